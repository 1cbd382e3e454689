// Plan: a network laid out once, then run over tiles of 16 images.
//
// An operation that depends on the whole batch ends a phase. Within a phase each tile is computed
// by one thread or by a crew (crew.h); between phases the threads meet at a barrier. Tiles are
// assigned to a fixed number of groups, each of which sums its gradients in tile order, and groups
// are summed in order, so the result does not depend on the number of threads.
#pragma once

#include <set>

#include "operation.h"

constexpr int MOST_GROUPS = 16;

// Where a value's gradient is stored. The gradient of a value with one consumer overwrites the
// value where both neighbours allow it: half the memory, and a whole tile fits into the cache.
enum class Area {
    NONE,
    VALUE,
    LOCAL,
    KEPT
};  // local: one a thread; kept: lives from phase to phase, so one a tile

struct Place {
    Area area;
    int64_t at;  // in Lanes
};

// Where a parameter's gradient is stored within a group's sums, and a row of it that one thread
// updates.
struct Row {
    int32_t parameter;
    int64_t row, at;  // at: in floats
    bool shared;      // summed over all groups already
};

struct Parameter {
    int64_t size = 0, at = 0;  // at: of its gradient within a group's sums, in floats
    GradientLayout layout{0, 0};
    bool shared = false;
};

struct Node {
    std::unique_ptr<Operation> operation;
    BatchOperation *batch;  // the same, if it is one
    std::vector<int> inputs, parameters, buffers;
    int phase = 0;          // of its forward pass
    int64_t saved_at = 0;   // in Lanes, among a tile's values
    std::vector<char> add;  // per input: its gradient holds another consumer's part already
    std::vector<int64_t>
        temporary;  // per input: where the gradient is computed before it is added; -1: nowhere
    std::vector<char> first;  // per parameter: no later operation has its gradient
    int64_t moments_at = 0, state_at = 0;
    int64_t prepared_at = 0;  // in Lanes
};

class Plan {
   public:
    std::vector<Node> nodes;         // node k computes value k + 1; value 0 is the input
    std::vector<int> batch_nodes;    // those that end a phase, in order
    std::vector<Dimensions> shapes;  // per value
    std::vector<int64_t> values;     // per value, offset in Lanes
    std::vector<Place> grads;        // per value
    std::vector<int> outputs;
    std::vector<Row> rows;
    std::vector<Parameter> parameters;
    int64_t values_size = 0, local_size = 0, kept_size = 0, scratch_size = 0, moments_size = 0;
    int64_t state_size = 0, gradients_size = 0, prepared_size = 0;
    size_t most_inputs = 1, most_parameters = 1, most_buffers = 1;

    explicit Plan(const Dimensions &input) : shapes{input} {}

    void add(const std::string &name, const std::vector<int> &inputs,
             const std::vector<Dimensions> &input_shapes, const Dimensions &output,
             const std::vector<int64_t> &integers, const std::vector<double> &floats,
             const std::vector<int> &parameter_indices, const std::vector<int64_t> &parameter_sizes,
             const std::vector<int> &buffers) {
        const auto found = operations().find(name);
        if (found == operations().end())
            throw std::invalid_argument("there is no operation " + name);
        for (size_t i = 0; i < inputs.size(); i++)
            if (product(shapes.at(inputs[i])) != product(input_shapes[i]))
                throw std::invalid_argument(name + ": an input of another size");
        const Signature signature{input_shapes, output, integers, floats, parameter_sizes};
        Node node{found->second(signature), nullptr, inputs, parameter_indices, buffers};
        node.batch = dynamic_cast<BatchOperation *>(node.operation.get());
        if (node.batch) {
            batch_nodes.push_back(static_cast<int>(nodes.size()));
            node.moments_at = moments_size;
            moments_size += node.batch->moments();
            node.state_at = state_size;
            state_size += node.batch->state();
        }
        node.phase = phases();
        node.prepared_at = prepared_size;
        prepared_size += node.operation->prepared();
        for (size_t i = 0; i < parameter_indices.size(); i++)
            if (parameter_indices[i] >= 0)
                place_parameter(node, static_cast<int>(i), parameter_sizes[i]);
        scratch_size = std::max(scratch_size, node.operation->scratch());
        most_inputs = std::max(most_inputs, inputs.size());
        most_parameters = std::max(most_parameters, parameter_indices.size());
        most_buffers = std::max(most_buffers, buffers.size());
        shapes.push_back(output);
        nodes.push_back(std::move(node));
    }

    // input_gradient: whether the gradient of value 0 is wanted.
    void finish(const std::vector<int> &outputs, bool input_gradient) {
        this->outputs = outputs;
        place_values();
        place_grads(input_gradient);
        place_gradients();
    }

    int phases() const { return static_cast<int>(batch_nodes.size()); }
    int64_t size(int value) const { return product(shapes[value]); }

   private:
    void place_parameter(Node &node, int index, int64_t size) {
        const int parameter = node.parameters[index];
        if (parameter >= static_cast<int>(parameters.size())) parameters.resize(parameter + 1);
        Parameter &known = parameters[parameter];
        const GradientLayout layout = node.operation->gradient_layout(index);
        const bool shared = node.batch != nullptr;
        if (known.size && (shared || known.shared || known.layout.rows != layout.rows ||
                           known.layout.step != layout.step))
            throw std::invalid_argument("a parameter is used by operations of different kinds");
        known.size = size;
        known.layout = layout;
        known.shared = shared;
    }

    void place_values() {
        for (const Dimensions &shape : shapes) {
            values.push_back(values_size);
            values_size += product(shape);
        }
        for (Node &node : nodes) {
            node.saved_at = values_size;
            values_size += node.operation->saved();
        }
    }

    void place_grads(bool input_gradient) {
        const size_t count = shapes.size();
        std::vector<char> wanted(count, false), written(count, false), reused(count, false);
        std::vector<std::set<int>> touched(
            count);  // phases in which a value's gradient is written or read
        std::vector<int> consumers(count, 0);
        wanted[0] = input_gradient;
        for (size_t k = 0; k < nodes.size(); k++) {
            const Node &node = nodes[k];
            for (int parameter : node.parameters) wanted[k + 1] |= parameter >= 0;
            for (int input : node.inputs) {
                wanted[k + 1] |= wanted[input];
                consumers[input]++;
            }
        }
        for (int output : outputs) {
            touched[output].insert(phases());
            wanted[output] = written[output] = true;
            consumers[output] += 2;  // its gradient comes from outside, so the value stays
        }
        if (input_gradient) consumers[0]++;  // it goes outside
        for (int k = static_cast<int>(nodes.size()) - 1; k >= 0; k--) {
            Node &node = nodes[k];
            const int gives = node.batch ? node.phase - 1 : node.phase;
            touched[k + 1].insert(node.phase);
            touched[k + 1].insert(gives);
            int64_t temporary = 0;
            for (size_t i = 0; i < node.inputs.size(); i++) {
                const int input = node.inputs[i];
                touched[input].insert(gives);
                reused[input] = node.operation->in_place(static_cast<int>(i));
                node.add.push_back(written[input]);
                written[input] = true;
                const bool apart = node.add[i] && wanted[input] && !node.operation->adds();
                node.temporary.push_back(apart ? temporary : -1);
                if (apart) temporary += product(shapes[input]);
            }
            scratch_size = std::max(scratch_size, node.operation->scratch() + temporary);
        }
        for (size_t v = 0; v < count; v++) {
            const bool read = v && nodes[v - 1].operation->reads_output();
            if (!wanted[v]) {
                grads.push_back({Area::NONE, 0});
            } else if (consumers[v] == 1 && reused[v] && !read) {
                grads.push_back({Area::VALUE, values[v]});
            } else {
                const bool kept = touched[v].size() > 1;
                int64_t &size = kept ? kept_size : local_size;
                grads.push_back({kept ? Area::KEPT : Area::LOCAL, size});
                size += product(shapes[v]);
            }
        }
    }

    void place_gradients() {
        for (size_t index = 0; index < parameters.size(); index++) {
            Parameter &parameter = parameters[index];
            parameter.at = gradients_size;
            const auto [count, step] = parameter.layout;
            for (int64_t row = 0; row < count; row++)
                rows.push_back({static_cast<int32_t>(index), row, gradients_size + row * step,
                                parameter.shared});
            gradients_size += (count * step + LANES - 1) / LANES * LANES;
        }
        std::vector<char> seen(parameters.size(), false);
        for (size_t k = nodes.size(); k-- > 0;)
            for (int parameter : nodes[k].parameters) {
                nodes[k].first.push_back(parameter >= 0 && !seen[parameter]);
                if (parameter >= 0) seen[parameter] = true;
            }
    }
};
