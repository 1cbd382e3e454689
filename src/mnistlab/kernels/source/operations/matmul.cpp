// y = a @ b: products of matrices, which are the last two axes, for every index of the others,
// along which an operand may be repeated. Integers: whether a and b are transposed.
#include "../product.h"
#include "../strided.h"

namespace {

class Matmul : public Operation {
   public:
    explicit Matmul(const Signature &signature) : Operation(signature) {
        const Dimensions &a = signature.inputs[0], &b = signature.inputs[1];
        const bool turned[] = {signature.integers[0] != 0, signature.integers[1] != 0};
        rows_ = static_cast<int>(a[a.size() - (turned[0] ? 1 : 2)]);
        terms_ = static_cast<int>(a[a.size() - (turned[0] ? 2 : 1)]);
        columns_ = static_cast<int>(b[b.size() - (turned[1] ? 2 : 1)]);
        a_ = {turned[0] ? 1 : terms_, turned[0] ? rows_ : 1};
        b_ = {turned[1] ? 1 : columns_, turned[1] ? terms_ : 1};
        match();
    }

    void forward(const Forward &at) const override {
        const int64_t size = int64_t(rows_) * columns_;
        for (size_t i = 0; i < pairs_.size(); i++)
            multiply({at.x[0] + pairs_[i].a,
                      a_,
                      at.x[1] + pairs_[i].b,
                      b_,
                      at.y + static_cast<int64_t>(i) * size,
                      {columns_, 1},
                      rows_,
                      terms_,
                      columns_,
                      false});
    }

    // The gradient of b comes last, so that it may lie where b does.
    void backward(const Backward &at) const override {
        const int64_t size = int64_t(rows_) * columns_;
        for (size_t i = 0; i < pairs_.size() && at.dx[0]; i++)
            multiply({at.dy + static_cast<int64_t>(i) * size,
                      {columns_, 1},
                      at.x[1] + pairs_[i].b,
                      b_.turned(),
                      at.dx[0] + pairs_[i].a,
                      a_,
                      rows_,
                      columns_,
                      terms_,
                      at.add[0] || pairs_[i].a_again});
        for (size_t i = 0; i < pairs_.size() && at.dx[1]; i++)
            multiply({at.x[0] + pairs_[i].a,
                      a_.turned(),
                      at.dy + static_cast<int64_t>(i) * size,
                      {columns_, 1},
                      at.dx[1] + pairs_[i].b,
                      b_,
                      terms_,
                      rows_,
                      columns_,
                      at.add[1] || pairs_[i].b_again});
    }

    bool in_place(int input) const override { return input == 1; }
    bool adds() const override { return true; }

   private:
    struct Steps {
        int64_t row, column;
        Steps turned() const { return {column, row}; }
    };

    struct Pair {
        int64_t a, b;           // where the matrices start
        bool a_again, b_again;  // whether an earlier pair has them too
    };

    struct Problem {
        const Lanes *a;
        Steps a_steps;
        const Lanes *b;
        Steps b_steps;
        Lanes *c;
        Steps c_steps;
        int rows, terms, columns;
        bool add;
    };

    static void multiply(const Problem &k) {
        multiply_matrices<Lanes>(
            {k.a, k.a_steps.row, k.a_steps.column, k.b, k.b_steps.row, k.b_steps.column, k.c,
             k.c_steps.row, k.c_steps.column, k.terms, nullptr, k.add},
            k.rows, k.columns);
    }

    // Matrices are matched in the output's order.
    void match() {
        const Dimensions &a = signature.inputs[0], &b = signature.inputs[1];
        pairs_.push_back({0, 0, false, false});
        int64_t a_size = int64_t(rows_) * terms_, b_size = int64_t(terms_) * columns_;
        const size_t rank = std::max(a.size(), b.size());
        for (size_t back = 3; back <= rank; back++) {
            const int64_t a_count = back <= a.size() ? a[a.size() - back] : 1;
            const int64_t b_count = back <= b.size() ? b[b.size() - back] : 1;
            std::vector<Pair> inner;
            inner.swap(pairs_);
            for (int64_t i = 0; i < std::max(a_count, b_count); i++)
                for (const Pair &pair : inner)
                    pairs_.push_back({pair.a + (a_count > 1 ? i * a_size : 0),
                                      pair.b + (b_count > 1 ? i * b_size : 0),
                                      pair.a_again || (a_count == 1 && i),
                                      pair.b_again || (b_count == 1 && i)});
            a_size *= a_count;
            b_size *= b_count;
        }
    }

    int rows_, terms_, columns_;
    Steps a_{}, b_{};
    std::vector<Pair> pairs_;
};

REGISTER_OPERATION(matmul, Matmul);

}  // namespace
