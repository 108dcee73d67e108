// Matmuls of a few rows with a matrix that stays in a core's cache.

#pragma once

#include <type_traits>
#include <vector>

#include "numbers.h"
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace {

#ifdef __AVX512F__
constexpr int LANES = 16, ROWS = 8;
#else
constexpr int LANES = 8, ROWS = 4;
#endif
typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
constexpr int64_t WIDTH = 2 * LANES;

// The type of a matmul's factors for matrices of T, and how many of them one instruction multiplies and adds in a lane.
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

// out (R, N) = a (R, K) w (K, N); w is packed in the order in which it is read, in panels of WIDTH columns.
template <int R, class F>
inline void matmul(const F *a, const F *w, float *out, int64_t K, int64_t N) {
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

// Pack the (K, N) matrix with entries element(k, n) for matmul, padded with zeros.
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

// Call f(first, number of rows as a type) for blocks of rows in parallel; the rest is in blocks of 4, 2 and 1.
template <class F>
void blocks_of_rows(int64_t B, F f) {
    const int64_t whole = B / ROWS, rest = B % ROWS;
#pragma omp parallel for schedule(dynamic)
    for (int64_t n = 0; n < whole + 3; n++) {
        if (n < whole)
            f(n * ROWS, std::integral_constant<int, ROWS>());
        else if (n == whole && rest & 4)
            f(B - rest, std::integral_constant<int, 4>());
        else if (n == whole + 1 && rest & 2)
            f(B - (rest & 3), std::integral_constant<int, 2>());
        else if (n == whole + 2 && rest & 1)
            f(B - 1, std::integral_constant<int, 1>());
    }
}

}  // namespace
