// y = softmax(scale * q @ k^T) @ v for each head (Vaswani et al., 2017), whose scores never leave
// the cache: they are computed for some queries at a time, and anew in the backward pass (Dao et
// al., 2022).
//
// integers: heads, queries, keys, columns of q and k, and of v; then of q, k and v each: which
// input it lies in, the steps between its rows and its columns, and where each head's starts.
// floats: the scale.
#include "../operation.h"
#include "../product.h"
#include "../vector_math.h"

namespace {

constexpr int QUERIES = 5;         // at a time: many rows share what they load of k and v
constexpr int SUMS_AT_A_TIME = 5;  // sums at a time, which hide how long an addition takes

// Matrices of all heads, within an input.
struct Matrices {
    int input, rows, columns;
    int64_t row_step, column_step;
    std::vector<int64_t> starts;

    int64_t size() const { return int64_t(rows) * columns; }

    // to, close together, = rows from `first` on
    void gather(const Lanes *const *x, size_t head, int first, int count, Lanes *to) const {
        const Lanes *from = x[input] + starts[head] + first * row_step;
        for (int row = 0; row < count; row++, from += row_step)
            for (int column = 0; column < columns; column++) *to++ = from[column * column_step];
    }

    // The same back, or added to what is there.
    void scatter(const Lanes *from, size_t head, int first, int count, Lanes *const *x,
                 bool add) const {
        Lanes *to = x[input] + starts[head] + first * row_step;
        for (int row = 0; row < count; row++, to += row_step)
            for (int column = 0; column < columns; column++, from++) {
                Lanes &value = to[column * column_step];
                for (int p = 0; p < PARTS; p++)
                    value.part[p] = add ? value.part[p] + from->part[p] : from->part[p];
            }
    }

    // Adds how often each position of the input is read.
    void count(std::vector<int> &reads) const {
        for (int64_t start : starts)
            for (int row = 0; row < rows; row++)
                for (int column = 0; column < columns; column++)
                    reads[start + row * row_step + column * column_step]++;
    }
};

// c = or += a @ b, or with one of them transposed. All lie close together.
struct Product {
    const Lanes *a, *b;
    Lanes *c;
    int rows, terms, columns;

    void plain() const { run(terms, 1, columns, 1, false); }
    void turned_b() const { run(terms, 1, 1, terms, false); }
    void turned_a_added() const { run(1, rows, columns, 1, true); }

   private:
    void run(int64_t a_row, int64_t a_term, int64_t b_term, int64_t b_column, bool add) const {
        multiply_matrices<Lanes>(
            {a, a_row, a_term, b, b_term, b_column, c, columns, 1, terms, nullptr, add}, rows,
            columns);
    }
};

class Attention final : public Operation {
   public:
    explicit Attention(const Signature &signature)
        : Operation(signature), scale_(static_cast<float>(signature.floats[0])) {
        const int64_t *next = signature.integers.data();
        heads_ = *next++;
        queries_ = static_cast<int>(*next++), keys_ = static_cast<int>(*next++);
        const int size = static_cast<int>(*next++), width = static_cast<int>(*next++);
        for (Matrices *matrices : {&q_, &k_, &v_}) {
            matrices->input = static_cast<int>(*next++);
            matrices->rows = matrices == &q_ ? queries_ : keys_;
            matrices->columns = matrices == &v_ ? width : size;
            matrices->row_step = *next++;
            matrices->column_step = *next++;
            matrices->starts.assign(next, next + heads_);
            next += heads_;
        }
        for (size_t i = 0; i < signature.inputs.size(); i++) {
            std::vector<int> reads(product(signature.inputs[i]), 0);
            for (const Matrices *matrices : {&q_, &k_, &v_})
                if (matrices->input == static_cast<int>(i)) matrices->count(reads);
            const auto once = [](int count) { return count == 1; };
            read_once_.push_back(std::all_of(reads.begin(), reads.end(), once));
        }
    }

    // Saves, of each row, the largest score and 1 / sum(exp(scale * (score - largest))).
    void forward(const Forward &at) const override {
        Room room(*this, at.scratch);
        Lanes *y = at.y, *saved = at.saved;
        for (size_t head = 0; head < q_.starts.size(); head++) {
            k_.gather(at.x, head, 0, keys_, room.k);
            v_.gather(at.x, head, 0, keys_, room.v);
            each_block([&](int first, int count) {
                q_.gather(at.x, head, first, count, room.q);
                Product{room.q, room.k, room.scores, count, q_.columns, keys_}.turned_b();
                for (int row = 0; row < count; row++)
                    exponentiate(room.scores + row * keys_, saved + 2 * row);
                Product{room.scores, room.v, y, count, keys_, v_.columns}.plain();
                for (int row = 0; row < count; row++, saved += 2)
                    for (int column = 0; column < v_.columns; column++, y++)
                        for (int p = 0; p < PARTS; p++) y->part[p] *= saved[1].part[p];
            });
        }
    }

    void backward(const Backward &at) const override {
        for (size_t i = 0; i < signature.inputs.size(); i++)
            if (at.dx[i] && adds_to(at, i) && !at.add[i])
                std::fill_n(at.dx[i], product(signature.inputs[i]), Lanes{});
        Room room(*this, at.scratch);
        const Lanes *dy = at.dy, *saved = at.saved;
        for (size_t head = 0; head < q_.starts.size(); head++) {
            k_.gather(at.x, head, 0, keys_, room.k);
            v_.gather(at.x, head, 0, keys_, room.v);
            std::fill_n(room.dk, k_.size(), Lanes{});
            std::fill_n(room.dv, v_.size(), Lanes{});
            each_block([&](int first, int count) {
                q_.gather(at.x, head, first, count, room.q);
                Product{room.q, room.k, room.scores, count, q_.columns, keys_}.turned_b();
                for (int row = 0; row < count; row++, saved += 2)
                    restore(room.scores + row * keys_, saved);
                Product{room.scores, dy, room.dv, keys_, count, v_.columns}.turned_a_added();
                Product{dy, room.v, room.slopes, count, v_.columns, keys_}.turned_b();
                for (int row = 0; row < count; row++)
                    to_scores(room.scores + row * keys_, room.slopes + row * keys_);
                Product{room.slopes, room.q, room.dk, keys_, count, q_.columns}.turned_a_added();
                if (at.dx[q_.input]) {
                    Product{room.slopes, room.k, room.q, count, keys_, q_.columns}.plain();
                    q_.scatter(room.q, head, first, count, at.dx, adds_to(at, q_.input));
                }
                dy += count * v_.columns;
            });
            if (at.dx[k_.input]) k_.scatter(room.dk, head, 0, keys_, at.dx, adds_to(at, k_.input));
            if (at.dx[v_.input]) v_.scatter(room.dv, head, 0, keys_, at.dx, adds_to(at, v_.input));
        }
    }

    int64_t saved() const override { return 2 * heads_ * queries_; }
    int64_t scratch() const override {
        return 2 * (k_.size() + v_.size()) + QUERIES * (q_.columns + 2 * keys_);
    }
    bool adds() const override { return true; }

   private:
    struct Room {
        Lanes *k, *v, *dk, *dv, *q, *scores, *slopes;

        Room(const Attention &of, Lanes *scratch) {
            k = scratch;
            v = k + of.k_.size();
            dk = v + of.v_.size();
            dv = dk + of.k_.size();
            q = dv + of.v_.size();
            scores = q + QUERIES * of.q_.columns;
            slopes = scores + QUERIES * of.keys_;
        }
    };

    // Rather than to overwrite all of it.
    bool adds_to(const Backward &at, size_t input) const {
        return at.add[input] || !read_once_[input];
    }

    template <class Body>
    void each_block(const Body &body) const {
        for (int first = 0; first < queries_; first += QUERIES)
            body(first, std::min(QUERIES, queries_ - first));
    }

    // For chains of values in turn: step(chain, i).
    template <class Step>
    void along(const Step &step) const {
        int i = 0;
        for (; i + SUMS_AT_A_TIME <= keys_; i += SUMS_AT_A_TIME)
#pragma GCC unroll 8
            for (int chain = 0; chain < SUMS_AT_A_TIME; chain++) step(chain, i + chain);
        for (; i < keys_; i++) step(0, i);
    }

    static Part sum(const Part (&chains)[SUMS_AT_A_TIME]) {
        Part all = chains[0];
        for (int chain = 1; chain < SUMS_AT_A_TIME; chain++) all += chains[chain];
        return all;
    }

    // Scores become exp(scale * (score - largest)).
    void exponentiate(Lanes *row, Lanes *saved) const {
        for (int p = 0; p < PARTS; p++) {
            Part most[SUMS_AT_A_TIME], sums[SUMS_AT_A_TIME] = {};
            for (Part &chain : most) chain = row[0].part[p];
            // NaN need not be found: exp(x - largest) is NaN in any case.
            along([&](int chain, int i) {
                most[chain] = row[i].part[p] > most[chain] ? row[i].part[p] : most[chain];
            });
            for (int chain = 1; chain < SUMS_AT_A_TIME; chain++)
                most[0] = most[chain] > most[0] ? most[chain] : most[0];
            const Part largest = most[0];
            along([&](int chain, int i) {
                sums[chain] += row[i].part[p] = exp_below((row[i].part[p] - largest) * scale_);
            });
            saved[0].part[p] = largest;
            saved[1].part[p] = 1.0f / sum(sums);
        }
    }

    // Scores become their softmax.
    void restore(Lanes *row, const Lanes *saved) const {
        for (int p = 0; p < PARTS; p++) {
            const Part largest = saved[0].part[p], share = saved[1].part[p];
            for (int i = 0; i < keys_; i++)
                row[i].part[p] = exp_below((row[i].part[p] - largest) * scale_) * share;
        }
    }

    // Gradients of softmax's results become those of the scores.
    void to_scores(const Lanes *row, Lanes *slopes) const {
        for (int p = 0; p < PARTS; p++) {
            Part sums[SUMS_AT_A_TIME] = {};
            along([&](int chain, int i) {
                sums[chain] = fma(row[i].part[p], slopes[i].part[p], sums[chain]);
            });
            const Part mean = sum(sums);
            for (int i = 0; i < keys_; i++)
                slopes[i].part[p] = (row[i].part[p] * scale_) * (slopes[i].part[p] - mean);
        }
    }

    const float scale_;
    int64_t heads_;
    int queries_, keys_;
    Matrices q_, k_, v_;
    std::vector<char> read_once_;  // per input: each of its positions
};

}  // namespace

REGISTER_OPERATION(attention, Attention);
