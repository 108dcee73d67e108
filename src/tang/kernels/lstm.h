// An LSTM layer: one step at a time, between the caller's matmuls, or all steps at once.

#pragma once

#include "matmul.h"

namespace {

// One row of a step: pre-activations z (4H), plus more (4H) unless it is null, become the gates i, f, g, o.
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

// All steps at once, for weights that stay in a core's cache: rows of a batch are independent, so that no thread waits
// for another. Each thread takes a block of rows through time with matmuls of its own.

template <class T, int R>
void rows_forward(T *z, const typename Factor<T>::type *w, float *c, T *h, int64_t B, int64_t H, int64_t steps,
                  int64_t first) {
    const int64_t K = padded(H, Factor<T>::AT_ONCE), N = padded(4 * H, WIDTH);
    std::vector<typename Factor<T>::type> before(R * K);
    std::vector<float> recurrent(R * N);
    for (int64_t t = 0; t < steps; t++) {
        for (int r = 0; r < R; r++)
            for (int64_t j = 0; j < H; j++) store(before[r * K + j], load(h[(t * B + first + r) * H + j]));
        matmul<R>(before.data(), w, recurrent.data(), K, N);
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
        matmul<R>(d_now.data(), w, d_before.data(), 4 * H, N);
    }
    for (int r = 0; r < R; r++)
        for (int64_t j = 0; j < H; j++) store(d_h[(first + r) * H + j], d_before[r * N + j]);
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

}  // namespace
