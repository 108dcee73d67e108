// What stands between the matrix products of a training step, each in one pass over its memory.
// T is float or bfloat16, the format of the products; all arithmetic and the cell's state are float.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

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

// One row of a step: pre-activations z (4H), with more to add to them if there is, become the gates i, f, g, o.
template <class T>
inline void cell_forward(T *z, const float *more, const float *c, float *c_next, T *h_next, int64_t H) {
    T *i = z, *f = i + H, *g = f + H, *o = g + H;
#pragma omp simd
    for (int64_t j = 0; j < H; j++) {
        const float input = sigmoid(load(i[j]) + (more ? more[j] : 0.0f));
        const float forget = sigmoid(load(f[j]) + (more ? more[H + j] : 0.0f));
        const float candidate = hyperbolic_tangent(load(g[j]) + (more ? more[2 * H + j] : 0.0f));
        const float output = sigmoid(load(o[j]) + (more ? more[3 * H + j] : 0.0f));
        const float cell = forget * c[j] + input * candidate;
        c_next[j] = cell;
        store(h_next[j], output * hyperbolic_tangent(cell));
        store(i[j], input);
        store(f[j], forget);
        store(g[j], candidate);
        store(o[j], output);
    }
}

// One row of a step backwards: d_z (4H) from d_output and d_h (H), which come from above and from the step after;
// d_c (H) comes from the step after, and becomes what goes to the step before.
template <class T, class D, class Z>
inline void cell_backward(const T *gates, const float *c, const float *c_next, const T *d_output, const D *d_h,
                          float *d_c, T *d_z, Z *d_z_copy, int64_t H) {
    const T *i = gates, *f = i + H, *g = f + H, *o = g + H;
#pragma omp simd
    for (int64_t j = 0; j < H; j++) {
        const float input = load(i[j]), forget = load(f[j]), candidate = load(g[j]), output = load(o[j]);
        const float tanh_c = hyperbolic_tangent(c_next[j]);
        const float d_hidden = load(d_output[j]) + load(d_h[j]);
        const float d_cell = d_c[j] + d_hidden * output * (1.0f - tanh_c * tanh_c);
        const float d_i = d_cell * candidate * input * (1.0f - input);
        const float d_f = d_cell * c[j] * forget * (1.0f - forget);
        const float d_g = d_cell * input * (1.0f - candidate * candidate);
        const float d_o = d_hidden * tanh_c * output * (1.0f - output);
        store(d_z[j], d_i);
        store(d_z[H + j], d_f);
        store(d_z[2 * H + j], d_g);
        store(d_z[3 * H + j], d_o);
        if (d_z_copy) {
            store(d_z_copy[j], d_i);
            store(d_z_copy[H + j], d_f);
            store(d_z_copy[2 * H + j], d_g);
            store(d_z_copy[3 * H + j], d_o);
        }
        d_c[j] = d_cell * forget;
    }
}

// Step t of a layer: of z (T, B, 4H), and c and h (T + 1, B, H) at t + 1.
template <class T>
void lstm_forward(T *z, float *c, T *h, int64_t B, int64_t H, int64_t t) {
#pragma omp parallel for
    for (int64_t row = t * B; row < (t + 1) * B; row++)
        cell_forward(z + 4 * row * H, (const float *)nullptr, c + row * H, c + (row + B) * H, h + (row + B) * H, H);
}

// Step t backwards: of d_z (T, B, 4H), from d_outputs (T, B, H), d_h and d_c (B, H).
template <class T>
void lstm_backward(const T *gates, const float *c, const T *d_outputs, const T *d_h, float *d_c, T *d_z, int64_t B,
                   int64_t H, int64_t t) {
#pragma omp parallel for
    for (int64_t b = 0; b < B; b++) {
        const int64_t row = t * B + b;
        cell_backward(gates + 4 * row * H, c + row * H, c + (row + B) * H, d_outputs + row * H, d_h + b * H,
                      d_c + b * H, d_z + 4 * row * H, (float *)nullptr, H);
    }
}

// All steps at once, for weights that stay in a core's cache: rows of a batch know nothing of each other, so that
// no thread ever waits for another. A block of rows goes through time with products of its own.

#ifdef __AVX512F__
constexpr int LANES = 16, ROWS = 8;
#else
constexpr int LANES = 8, ROWS = 4;
#endif
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
constexpr int64_t WIDTH = 2 * LANES;

// What a product's factors are for matrices of T, and how many of them one instruction multiplies and adds in a lane.
template <class T>
struct Factor {
    typedef float type;
    static constexpr int64_t AT_ONCE = 1;
};
#ifdef __AVX512BF16__
template <>
struct Factor<bfloat16> {
    typedef bfloat16 type;
    static constexpr int64_t AT_ONCE = 2;
};
#endif

inline int64_t padded(int64_t size, int64_t to) { return (size + to - 1) / to * to; }

// Sums of both halves of a panel += factors of a row at k times the panel's at k.
inline void multiply_add(Vector *sums, const float *row, const Vector left, const Vector right) {
    sums[0] += *row * left;
    sums[1] += *row * right;
}
#ifdef __AVX512BF16__
inline int32_t pair_of(const bfloat16 *row) {
    int32_t pair;
    std::memcpy(&pair, row, sizeof pair);
    return pair;
}

inline void multiply_add(Vector *sums, const bfloat16 *row, const Vector left, const Vector right) {
    const __m512bh pair = (__m512bh)_mm512_set1_epi32(pair_of(row));
    sums[0] = (Vector)_mm512_dpbf16_ps((__m512)sums[0], pair, (__m512bh)left);
    sums[1] = (Vector)_mm512_dpbf16_ps((__m512)sums[1], pair, (__m512bh)right);
}
#endif

// out (R, N) = a (R, K) w (K, N); w lies as it is read, in panels of WIDTH columns.
template <int R, class F>
inline void product(const F *a, const F *w, float *out, int64_t K, int64_t N) {
    constexpr int64_t AT_ONCE = sizeof(float) / sizeof(F);
    for (int64_t n = 0; n < N; n += WIDTH) {
        Vector sums[R][2] = {};
        const Vector *panel = reinterpret_cast<const Vector *>(w + n * K);
        for (int64_t k = 0; k < K; k += AT_ONCE, panel += 2) {
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) multiply_add(sums[r], a + r * K + k, panel[0], panel[1]);
        }
        for (int r = 0; r < R; r++) {
            Vector *to = reinterpret_cast<Vector *>(out + r * N + n);
            to[0] = sums[r][0];
            to[1] = sums[r][1];
        }
    }
}

// A (K, N) matrix for products, zeros where it is padded; element(k, n) is its own.
template <class T, class Element>
std::vector<typename Factor<T>::type> panels(int64_t K, int64_t N, Element element) {
    constexpr int64_t AT_ONCE = Factor<T>::AT_ONCE;
    const int64_t rows = padded(K, AT_ONCE);
    std::vector<typename Factor<T>::type> packed(rows * padded(N, WIDTH));
#pragma omp parallel for
    for (int64_t n = 0; n < N; n++) {
        auto *lane = packed.data() + n / WIDTH * WIDTH * rows + n % WIDTH * AT_ONCE;
        for (int64_t k = 0; k < K; k++) store(lane[k / AT_ONCE * AT_ONCE * WIDTH + k % AT_ONCE], element(k, n));
    }
    return packed;
}

template <class T, int R>
void rows_forward(T *z, const typename Factor<T>::type *w, float *c, T *h, int64_t B, int64_t H, int64_t steps,
                  int64_t first) {
    const int64_t K = padded(H, Factor<T>::AT_ONCE), N = padded(4 * H, WIDTH);
    std::vector<typename Factor<T>::type> before(R * K);
    std::vector<float> recurrent(R * N);
    for (int64_t t = 0; t < steps; t++) {
        for (int r = 0; r < R; r++)
            for (int64_t j = 0; j < H; j++) store(before[r * K + j], load(h[(t * B + first + r) * H + j]));
        product<R>(before.data(), w, recurrent.data(), K, N);
        for (int r = 0; r < R; r++) {
            const int64_t row = t * B + first + r, next = row + B;
            cell_forward(z + 4 * row * H, recurrent.data() + r * N, c + row * H, c + next * H, h + next * H, H);
        }
    }
}

template <class T, int R>
void rows_backward(const T *gates, const typename Factor<T>::type *w, const float *c, const T *d_outputs, T *d_h,
                   float *d_c, T *d_z, int64_t B, int64_t H, int64_t steps, int64_t first) {
    const int64_t N = padded(H, WIDTH);
    std::vector<typename Factor<T>::type> d_now(R * 4 * H);
    std::vector<float> d_before(R * N);
    for (int r = 0; r < R; r++)
        for (int64_t j = 0; j < H; j++) d_before[r * N + j] = load(d_h[(first + r) * H + j]);
    for (int64_t t = steps - 1; t >= 0; t--) {
        for (int r = 0; r < R; r++) {
            const int64_t row = t * B + first + r;
            cell_backward(gates + 4 * row * H, c + row * H, c + (row + B) * H, d_outputs + row * H,
                          d_before.data() + r * N, d_c + (first + r) * H, d_z + 4 * row * H,
                          d_now.data() + r * 4 * H, H);
        }
        product<R>(d_now.data(), w, d_before.data(), 4 * H, N);
    }
    for (int r = 0; r < R; r++)
        for (int64_t j = 0; j < H; j++) store(d_h[(first + r) * H + j], d_before[r * N + j]);
}

// f(first, number of rows as a type) for blocks of rows, side by side
template <class F>
void blocks_of_rows(int64_t B, F f) {
    const int64_t blocks = B / ROWS, rest = B % ROWS;
#pragma omp parallel for schedule(dynamic)
    for (int64_t n = 0; n < blocks + rest; n++) {
        if (n < blocks)
            f(n * ROWS, std::integral_constant<int, ROWS>());
        else
            f(blocks * ROWS + n - blocks, std::integral_constant<int, 1>());
    }
}

// All steps of a layer; weight (4H, H).
template <class T>
void lstm_layer_forward(T *z, const T *weight, float *c, T *h, int64_t B, int64_t H, int64_t steps) {
    const auto w = panels<T>(H, 4 * H, [&](int64_t k, int64_t n) { return load(weight[n * H + k]); });
    blocks_of_rows(B, [&](int64_t first, auto rows) {
        rows_forward<T, decltype(rows)::value>(z, w.data(), c, h, B, H, steps, first);
    });
}

// All steps backwards; d_h and d_c (B, H) become those of the first state.
template <class T>
void lstm_layer_backward(const T *gates, const T *weight, const float *c, const T *d_outputs, T *d_h, float *d_c,
                         T *d_z, int64_t B, int64_t H, int64_t steps) {
    const auto w = panels<T>(4 * H, H, [&](int64_t k, int64_t n) { return load(weight[k * H + n]); });
    blocks_of_rows(B, [&](int64_t first, auto rows) {
        rows_backward<T, decltype(rows)::value>(gates, w.data(), c, d_outputs, d_h, d_c, d_z, B, H, steps, first);
    });
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
