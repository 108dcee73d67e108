// float and bfloat16, and functions of them that a compiler can vectorize.

#pragma once

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

}  // namespace
