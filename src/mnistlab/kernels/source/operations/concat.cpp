// y = the inputs, one behind the other along an axis. Integers: axis.
#include "../strided.h"

namespace {

class Concat : public Operation {
   public:
    explicit Concat(const Signature &signature) : Operation(signature) {
        const Dimensions y = row_major(signature.output);
        const int64_t axis = signature.integers[0];
        int64_t start = 0;
        for (const Dimensions &sizes : signature.inputs) {
            const Dimensions x = row_major(sizes);
            parts_.push_back({start * y[axis], Strided(sizes, x, y), Strided(sizes, y, x)});
            start += sizes[axis];
        }
    }

    void forward(const Forward &at) const override {
        for (size_t k = 0; k < parts_.size(); k++)
            parts_[k].there.copy(at.x[k], at.y + parts_[k].start, false);
    }
    void backward(const Backward &at) const override {
        for (size_t k = 0; k < parts_.size(); k++)
            if (at.dx[k]) parts_[k].back.copy(at.dy + parts_[k].start, at.dx[k], at.add[k]);
    }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    struct Member {
        int64_t start;
        Strided there, back;
    };

    std::vector<Member> parts_;
};

REGISTER_OPERATION(concat, Concat);

}  // namespace
