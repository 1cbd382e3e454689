"""Random shapes of convolutions and pooling."""

from hypothesis import assume
from hypothesis import strategies as st
from torch import nn

from tests.kernels.operations.oracle import sizes


@st.composite
def layers_2d(draw, layer, largest_image=11):
    """A convolution or transposed convolution of random shape, and images' shape."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, outputs = draw(sizes(1, 5, 2))
    kernel, stride, dilation = draw(sizes(1, 5, 2)), draw(sizes(1, 3, 2)), draw(sizes(1, 3, 2))
    padding, image = draw(sizes(0, 5, 2)), draw(sizes(1, largest_image, 2))
    options = {}
    if layer is nn.ConvTranspose2d:
        options["output_padding"] = tuple(
            draw(st.integers(0, max(pair) - 1)) for pair in zip(stride, dilation)
        )
        sides = [
            (side - 1) * s - 2 * p + d * (k - 1) + 1
            for side, k, s, d, p in zip(image, kernel, stride, dilation, padding)
        ]
    else:
        sides = [
            side + 2 * p - d * (k - 1) for side, k, d, p in zip(image, kernel, dilation, padding)
        ]
    assume(min(sides) > 0)
    made = layer(
        groups * inputs,
        groups * outputs,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
        **options,
    )
    return made, (groups * inputs, *image)


@st.composite
def windows(draw, *, dilated):
    """Arguments of a 2-d pooling that pads at most half a window, and images' shape."""
    kernel, stride, image = draw(sizes(1, 4, 2)), draw(sizes(1, 4, 2)), draw(sizes(1, 11, 2))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    dilation = draw(sizes(1, 2, 2)) if dilated else (1, 1)
    sides = [side + 2 * p - d * (k - 1) for side, k, d, p in zip(image, kernel, dilation, padding)]
    assume(min(sides) > 0)
    options = {"padding": padding, "ceil_mode": draw(st.booleans())}
    if dilated:
        # A position of a window, at least, must lie within the image.
        assume(all(d == 1 or side > 1 for d, side in zip(dilation, image)))
        options["dilation"] = dilation
    return {"kernel_size": kernel, "stride": stride, **options}, (draw(st.integers(1, 4)), *image)
