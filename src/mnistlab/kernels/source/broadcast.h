// Broadcast: y = f(a, b), element by element, where an operand is repeated along the axes in which
// it has size 1 or that it lacks.
#pragma once

#include "operation.h"

// Function: value(a, b), and the gradients to_first(dy, a, b) and to_second(dy, a, b);
// READS tells whether these look at a and b.
template <class Function>
class Broadcast : public Operation {
   public:
    explicit Broadcast(const Signature &signature) : Operation(signature) {
        const Dimensions &output = signature.output;
        Dimensions steps[2] = {steps_of(signature.inputs[0]), steps_of(signature.inputs[1])};
        for (size_t axis = 0; axis < output.size(); axis++) {
            const Axis next{output[axis], steps[0][axis], steps[1][axis]};
            if (next.size == 1) continue;
            if (!axes_.empty() && axes_.back().a == next.a * next.size &&
                axes_.back().b == next.b * next.size)
                axes_.back() = {axes_.back().size * next.size, next.a, next.b};
            else axes_.push_back(next);
        }
        if (axes_.empty()) axes_.push_back({1, 1, 1});
        run_ = axes_.back();
        axes_.pop_back();
    }

    void forward(const Forward &at) const override {
        const Lanes *a = at.x[0], *b = at.x[1];
        Lanes *y = at.y;
        const Share mine = at.crew.share(run_.size);
        walk(0, 0, 0, true, true, [&](int64_t i, int64_t j, bool, bool) {
            if (run_.a && run_.b) run<1, 1>(mine, a + i, b + j, y);
            else if (run_.a) run<1, 0>(mine, a + i, b + j, y);
            else run<0, 1>(mine, a + i, b + j, y);
            y += run_.size;
        });
    }

    void backward(const Backward &at) const override {
        const Lanes *a = at.x[0], *b = at.x[1], *dy = at.dy;
        bool add[] = {at.add[0], at.add[1]};
        // One value, combined with itself in two shapes.
        if (at.dx[0] && at.dx[0] == at.dx[1] && !add[0] && !axes_.empty()) {
            std::fill_n(at.dx[0], product(signature.inputs[0]), Lanes{});
            add[0] = true;
        }
        const Share mine = at.crew.share(run_.size);
        walk(0, 0, 0, true, true, [&](int64_t i, int64_t j, bool a_first, bool b_first) {
            Lanes *da = at.dx[0] ? at.dx[0] + i : nullptr, *db = at.dx[1] ? at.dx[1] + j : nullptr;
            const bool add_a = add[0] || !a_first, add_b = add[1] || !b_first;
            if (run_.a && run_.b) gradients<1, 1>(mine, a + i, b + j, dy, da, db, add_a, add_b);
            else if (run_.a) gradients<1, 0>(mine, a + i, b + j, dy, da, db, add_a, add_b);
            else gradients<0, 1>(mine, a + i, b + j, dy, da, db, add_a, add_b);
            dy += run_.size;
        });
    }

    // A repeated operand is read again after a part of its gradient is written.
    bool in_place(int input) const override {
        return !Function::READS || product(signature.inputs[input]) == product(signature.output);
    }
    bool adds() const override { return true; }
    // Operands of one shape; others may have a sum for a gradient.
    bool splits() const override { return axes_.empty() && run_.a && run_.b; }

   private:
    struct Axis {
        int64_t size, a, b;  // steps of the operands; 0: repeated
    };

    Dimensions steps_of(const Dimensions &sizes) const {
        const size_t rank = signature.output.size();
        Dimensions steps(rank, 0);
        int64_t step = 1;
        for (size_t back = 1; back <= sizes.size(); back++) {
            const int64_t size = sizes[sizes.size() - back];
            if (size != 1) steps[rank - back] = step;
            step *= size;
        }
        return steps;
    }

    template <class Body>
    void walk(size_t axis, int64_t a, int64_t b, bool a_first, bool b_first,
              const Body &body) const {
        if (axis == axes_.size()) return body(a, b, a_first, b_first);
        const Axis &k = axes_[axis];
        for (int64_t i = 0; i < k.size; i++)
            walk(axis + 1, a + i * k.a, b + i * k.b, a_first && (k.a || !i), b_first && (k.b || !i),
                 body);
    }

    template <int A, int B>
    void run(const Share &mine, const Lanes *a, const Lanes *b, Lanes *y) const {
        for (int64_t i = mine.begin; i < mine.end; i++)
            for (int p = 0; p < PARTS; p++)
                y[i].part[p] = Function::value(a[A * i].part[p], b[B * i].part[p]);
    }

    template <int A, int B>
    void gradients(const Share &mine, const Lanes *a, const Lanes *b, const Lanes *dy, Lanes *da,
                   Lanes *db, bool add_a, bool add_b) const {
        if (da && db) gradients<A, B, true, true>(mine, a, b, dy, da, db, add_a, add_b);
        else if (da) gradients<A, B, true, false>(mine, a, b, dy, da, db, add_a, add_b);
        else if (db) gradients<A, B, false, true>(mine, a, b, dy, da, db, add_a, add_b);
    }

    // At each position both gradients are computed before either is written, since they may lie
    // where the operands do, and in the same place if the operands are one value.
    template <int A, int B, bool TO_A, bool TO_B>
    void gradients(const Share &mine, const Lanes *a, const Lanes *b, const Lanes *dy, Lanes *da,
                   Lanes *db, bool add_a, bool add_b) const {
        Lanes sum{};  // of the operand that is repeated along the run
        for (int64_t i = mine.begin; i < mine.end; i++)
            for (int p = 0; p < PARTS; p++) {
                const Part grad = dy[i].part[p];
                Part u{}, v{}, to_a{}, to_b{};
                if constexpr (Function::READS) u = a[A * i].part[p], v = b[B * i].part[p];
                if constexpr (TO_A) to_a = Function::to_first(grad, u, v);
                if constexpr (TO_B) to_b = Function::to_second(grad, u, v);
                if constexpr (TO_A && A) put(da[i].part[p], to_a, add_a);
                if constexpr (TO_A && !A) sum.part[p] += to_a;
                if constexpr (TO_B && B) put(db[i].part[p], to_b, add_b);
                if constexpr (TO_B && !B) sum.part[p] += to_b;
            }
        for (int p = 0; p < PARTS; p++) {
            if constexpr (TO_A && !A) put(da->part[p], sum.part[p], add_a);
            if constexpr (TO_B && !B) put(db->part[p], sum.part[p], add_b);
        }
    }

    static void put(Part &to, Part value, bool add) { to = add ? to + value : value; }

    std::vector<Axis> axes_;  // neighbours in which both operands go on alike are one
    Axis run_;                // the innermost
};
