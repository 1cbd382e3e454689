// Philox4x32-10, a counter-based generator: a random number for each counter (Salmon et al., SC
// 2011).
#pragma once

#include "lanes.h"

struct Philox {
    PartBits word[4];
};

// For counters that differ in the second number: of the images of a part.
inline Philox philox(uint64_t seed, uint32_t c0, PartBits c1, uint32_t c2, uint32_t c3) {
    constexpr uint64_t UPPER = 0xFFFFFFFF00000000;
    struct Product {
        PartBits high, low;

        Product(PartBits value, uint32_t number) {
            const PartPairs pairs = reinterpret_cast<PartPairs>(value);
            const PartPairs even = lower_products(pairs, number);
            const PartPairs odd = lower_products(pairs >> 32, number);
            high = reinterpret_cast<PartBits>((even >> 32) | (odd & UPPER));
            low = reinterpret_cast<PartBits>((even & ~UPPER) | (odd << 32));
        }
    };
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    PartBits word[4] = {PartBits{} + c0, c1, PartBits{} + c2, PartBits{} + c3};
    for (int round = 0; round < 10; round++) {
        const Product first(word[0], 0xD2511F53), second(word[2], 0xCD9E8D57);
        word[0] = second.high ^ word[1] ^ k0;
        word[1] = second.low;
        word[2] = first.high ^ word[3] ^ k1;
        word[3] = first.low;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return {{word[0], word[1], word[2], word[3]}};
}
