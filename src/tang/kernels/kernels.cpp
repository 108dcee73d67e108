// The work between the matmuls of a training step, each function in one pass over memory.
// T is float or bfloat16, the dtype of the matmuls; all arithmetic and the cell state are float.

#include <cmath>

#include "lstm.h"

namespace {

// nll (N) = -ln softmax(logits)[target]; logits (N, V) become its gradient, softmax(logits) - onehot(target).
// Rows whose target is `ignored` become zeros.
template <class T>
void cross_entropy(T *logits, const int64_t *targets, float *nll, int64_t ignored, int64_t N, int64_t V) {
#pragma omp parallel
    {
        std::vector<float> powers(V);
#pragma omp for
        for (int64_t n = 0; n < N; n++) {
            T *row = logits + n * V;
            if (targets[n] == ignored) {
                std::memset(static_cast<void *>(row), 0, V * sizeof(T));
                nll[n] = 0.0f;
                continue;
            }
            const float wanted = load(row[targets[n]]);
            float largest = wanted;
#pragma omp simd reduction(max : largest)
            for (int64_t v = 0; v < V; v++) {
                const float logit = load(row[v]);
                largest = logit > largest ? logit : largest;
            }
            float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
            for (int64_t v = 0; v < V; v++) {
                powers[v] = exponential(load(row[v]) - largest);
                sum += powers[v];
            }
            const float factor = 1.0f / sum;
#pragma omp simd
            for (int64_t v = 0; v < V; v++) store(row[v], powers[v] * factor);
            store(row[targets[n]], powers[targets[n]] * factor - 1.0f);
            nll[n] = std::log(sum) + largest - wanted;
        }
    }
}

// A number for each index and seed, all bits of which look random (Wellons, "Prospecting for hash functions", 2018).
inline uint32_t hash(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    return x ^ (x >> 16);
}

// Keeps x where its number reaches the threshold, p * 2^32, and scales it; the same seed drops the same.
template <class T>
void dropout(const T *x, T *y, int64_t seed, int64_t threshold, int64_t N) {
    const float scale = float(4294967296.0 / (4294967296.0 - double(threshold)));
    const uint32_t low = uint32_t(seed), high = uint32_t(seed >> 32), least = uint32_t(threshold);
#pragma omp parallel for simd
    for (int64_t n = 0; n < N; n++) {
        const float kept = load(x[n]) * scale;
        store(y[n], hash(hash(uint32_t(n) ^ low) + high) < least ? 0.0f : kept);
    }
}

}  // namespace

#define EXPORT(NAME, SUFFIX, PARAMETERS, ARGUMENTS) \
    extern "C" void NAME##_##SUFFIX PARAMETERS { NAME ARGUMENTS; }
#define EXPORT_ALL(T, SUFFIX)                                                                                     \
    EXPORT(lstm_forward, SUFFIX, (T * z, float *c, T *h, int64_t B, int64_t H, int64_t t), (z, c, h, B, H, t))    \
    EXPORT(lstm_backward, SUFFIX,                                                                                 \
           (const T *gates, const float *c, const T *d_outputs, const T *d_h, float *d_c, T *d_z, int64_t B,      \
            int64_t H, int64_t t),                                                                                \
           (gates, c, d_outputs, d_h, d_c, d_z, B, H, t))                                                         \
    EXPORT(lstm_layer_forward, SUFFIX,                                                                            \
           (T * z, const T *weight, float *c, T *h, int64_t B, int64_t H, int64_t steps),                         \
           (z, weight, c, h, B, H, steps))                                                                        \
    EXPORT(lstm_layer_backward, SUFFIX,                                                                           \
           (const T *gates, const T *weight, const float *c, const T *d_outputs, T *d_h, float *d_c, T *d_z,      \
            int64_t B, int64_t H, int64_t steps),                                                                 \
           (gates, weight, c, d_outputs, d_h, d_c, d_z, B, H, steps))                                             \
    EXPORT(cross_entropy, SUFFIX,                                                                                 \
           (T * logits, const int64_t *targets, float *nll, int64_t ignored, int64_t N, int64_t V),               \
           (logits, targets, nll, ignored, N, V))                                                                 \
    EXPORT(dropout, SUFFIX, (const T *x, T *y, int64_t seed, int64_t threshold, int64_t N), (x, y, seed, threshold, N))

EXPORT_ALL(float, float32)
EXPORT_ALL(bfloat16, bfloat16)
