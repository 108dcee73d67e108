// What stands between the matrix products of a training step, each in one pass over its memory.
// T is float or bfloat16, the format of the products; all arithmetic and the cell's state are float.

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

struct bfloat16 {
    uint16_t bits;
};

template <class To, class From>
inline To bits_of(From from) {
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

inline float load(float x) { return x; }
inline float load(bfloat16 x) { return bits_of<float>(uint32_t(x.bits) << 16); }

inline void store(float &to, float x) { to = x; }
inline void store(bfloat16 &to, float x) {  // rounds to the nearest, ties to even; a NaN stays one
    const uint32_t bits = bits_of<uint32_t>(x);
    to.bits = x == x ? uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) : uint16_t(0x7fc0);
}

// e^x = 2^k e^r with |r| <= ln 2 / 2, where seven terms of the series are exact to float's last bit or two.
inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float rounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves no fraction
    const float k = (x * 1.44269504f + rounder) - rounder;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;  // ln 2 in two parts
    float series = 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * bits_of<float>((int32_t(k) + 127) << 23);
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

inline float hyperbolic_tangent(float x) {
    const float square = x * x;
    const float near_zero = x * (1.0f + square * (-1.0f / 3 + square * (2.0f / 15 - square * (17.0f / 315))));
    return square < 0.04f ? near_zero : 1.0f - 2.0f / (1.0f + exponential(2.0f * x));
}

// Step t of a layer: pre-activations z (T, B, 4H) become the gates i, f, g, o; c and h (T + 1, B, H) at t + 1 follow.
template <class T>
void lstm_forward(T *z, float *c, T *h, int64_t B, int64_t H, int64_t t) {
#pragma omp parallel for
    for (int64_t b = t * B; b < (t + 1) * B; b++) {
        T *i = z + 4 * b * H, *f = i + H, *g = f + H, *o = g + H, *h_next = h + (b + B) * H;
        const float *c_now = c + b * H;
        float *c_next = c + (b + B) * H;
#pragma omp simd
        for (int64_t j = 0; j < H; j++) {
            const float input = sigmoid(load(i[j])), forget = sigmoid(load(f[j]));
            const float candidate = hyperbolic_tangent(load(g[j])), output = sigmoid(load(o[j]));
            const float cell = forget * c_now[j] + input * candidate;
            c_next[j] = cell;
            store(h_next[j], output * hyperbolic_tangent(cell));
            store(i[j], input);
            store(f[j], forget);
            store(g[j], candidate);
            store(o[j], output);
        }
    }
}

// Step t backwards: d_z (T, B, 4H) at t from d_outputs (T, B, H), and d_h, d_c (B, H) that come from step t + 1;
// d_c becomes what goes to step t - 1.
template <class T>
void lstm_backward(const T *gates, const float *c, const T *d_outputs, const T *d_h, float *d_c, T *d_z, int64_t B,
                   int64_t H, int64_t t) {
#pragma omp parallel for
    for (int64_t b = 0; b < B; b++) {
        const int64_t row = t * B + b;
        const T *i = gates + 4 * row * H, *f = i + H, *g = f + H, *o = g + H;
        T *d_i = d_z + 4 * row * H, *d_f = d_i + H, *d_g = d_f + H, *d_o = d_g + H;
        const float *c_now = c + row * H, *c_next = c + (row + B) * H;
        const T *d_output = d_outputs + row * H, *d_h_next = d_h + b * H;
        float *d_cell = d_c + b * H;
#pragma omp simd
        for (int64_t j = 0; j < H; j++) {
            const float input = load(i[j]), forget = load(f[j]), candidate = load(g[j]), output = load(o[j]);
            const float tanh_c = hyperbolic_tangent(c_next[j]);
            const float d_hidden = load(d_output[j]) + load(d_h_next[j]);
            const float d_state = d_cell[j] + d_hidden * output * (1.0f - tanh_c * tanh_c);
            store(d_i[j], d_state * candidate * input * (1.0f - input));
            store(d_f[j], d_state * c_now[j] * forget * (1.0f - forget));
            store(d_g[j], d_state * input * (1.0f - candidate * candidate));
            store(d_o[j], d_hidden * tanh_c * output * (1.0f - output));
            d_cell[j] = d_state * forget;
        }
    }
}

// nll (N) = -ln softmax(logits)[target]; logits (N, V) become its gradient, softmax(logits) - onehot(target).
// Rows whose target is `ignored` become zeros.
template <class T>
void cross_entropy(T *logits, const int64_t *targets, float *nll, int64_t ignored, int64_t N, int64_t V) {
#pragma omp parallel
    {
        float *powers = new float[V];
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
        delete[] powers;
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
    EXPORT(cross_entropy, SUFFIX,                                                                                 \
           (T * logits, const int64_t *targets, float *nll, int64_t ignored, int64_t N, int64_t V),               \
           (logits, targets, nll, ignored, N, V))                                                                 \
    EXPORT(dropout, SUFFIX, (const T *x, T *y, int64_t seed, int64_t threshold, int64_t N), (x, y, seed, threshold, N))

EXPORT_ALL(float, float32)
EXPORT_ALL(bfloat16, bfloat16)
