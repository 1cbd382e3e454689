"""The table of networks: what each has, the images it takes, and why it is refused, if it is."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tests.kernels.networks import (
    classics,
    mobile,
    modules,
    perceptrons,
    recurrent,
    residual,
    transformers,
)

GREY, PADDED, COLOUR = (1, 28, 28), (1, 32, 32), (3, 32, 32)


@dataclass(frozen=True)
class Network:
    """A classifier of ten classes, and its features; ``refused`` is part of the reason."""

    build: Callable[[], nn.Module]
    features: str
    shape: tuple[int, int, int] = GREY
    refused: str = ""


NETWORKS = {
    "sigmoid perceptron": Network(perceptrons.SigmoidMLP, "Sigmoid; view(-1, size)"),
    "tanh perceptron with softmax": Network(perceptrons.tanh_with_softmax, "Tanh; final Softmax"),
    "functional dropout": Network(
        perceptrons.FunctionalDropout, "F.dropout by self.training; reshape(len(x), -1)"
    ),
    "highway": Network(perceptrons.Highway, "gates: 1 - t, products; ModuleList"),
    "maxout": Network(perceptrons.Maxout, "maximum over a dimension and of two values"),
    "mixer": Network(perceptrons.Mixer, "LayerNorm, GELU; linear layers over either dimension"),
    "own parameters": Network(perceptrons.OwnParameters, "@, matmul, clamp with parameters"),
    "shared weights": Network(perceptrons.SharedWeights, "one layer applied three times"),
    "two names": Network(perceptrons.TwoNames, "a layer under two names"),
    "autoencoder": Network(perceptrons.Autoencoder, "code and reconstruction, concatenated"),
    "BatchNorm1d": Network(perceptrons.Normalised1d, "BatchNorm1d, one without affine"),
    "PReLU": Network(perceptrons.PReLUNet, "PReLU: one slope, one a channel"),
    "cosine classifier": Network(perceptrons.CosineClassifier, "F.normalize of values and weights"),
    "distances": Network(perceptrons.Distances, "squared distances to parameters, summed"),
    "SELU": Network(perceptrons.selu_alpha, "SELU, ELU, Softplus, AlphaDropout"),
    "tutorial": Network(classics.TutorialNet, "log_softmax at the end; torch.flatten"),
    "spatial dropout": Network(classics.SpatialDropoutNet, "Dropout2d; log_softmax; view(-1, 160)"),
    "LeNet of 1998": Network(classics.ClassicLeNet, "functional average pooling; tanh", PADDED),
    "counts its features": Network(classics.CountsItsFeatures, "num_flat_features(x)"),
    "sizes read": Network(classics.SizesReadApart, "sizes read from tensors; relu_; padding same"),
    "odd windows": Network(classics.OddWindows, "other pooling windows; ceil_mode"),
    "adaptive to 4x4": Network(
        classics.AdaptiveToFour, "AdaptiveAvgPool2d(4), AdaptiveMaxPool2d; SiLU", COLOUR
    ),
    "VGG": Network(classics.vgg, "layers from a list of widths", COLOUR),
    "channels_last": Network(classics.channels_last, "channels_last weights", COLOUR),
    "discriminator": Network(classics.Discriminator, "stride; LeakyReLU; squeeze"),
    "all convolutional": Network(
        classics.AllConvolutional, "stride; a loop over layers; mean([2, 3])", COLOUR
    ),
    "branch on size, 28": Network(classics.SizeBranch, "branches on shapes; F.pad"),
    "branch on size, 32": Network(classics.SizeBranch, "branches on shapes; cropping", PADDED),
    "dictionary": Network(classics.DictOfLayers, "ModuleDict; Hardtanh; MaxPool2d(4)"),
    "CReLU": Network(classics.ConcatenatedReLU, "concat of relu(x) and relu(-x)"),
    "arithmetic": Network(classics.Rescales, "arithmetic with numbers, buffers, parameters; abs"),
    "functional only": Network(classics.FunctionalOnly, "F.conv2d, F.linear with parameters"),
    "response normalised": Network(classics.ResponseNormalised, "LocalResponseNorm"),
    "reflected borders": Network(classics.reflected_borders, "ReflectionPad2d; circular padding"),
    "weight normalised": Network(
        classics.weight_normalised, "parametrised weights", refused="_WeightNorm"
    ),
    "DenseNet": Network(modules.dense_net, "concat; a Sequential with a forward", COLOUR),
    "GoogLeNet": Network(modules.GoogLeNetLike, "concat of branches; kernels of 1x5 and 5x1"),
    "SqueezeNet": Network(modules.squeeze_net, "Fire modules; convolution last", COLOUR),
    "U-Net": Network(modules.UNetLike, "ConvTranspose2d, interpolate; skip connection"),
    "two scales": Network(modules.TwoScales, "one layer for two sizes; stack, mean(0); amax"),
    "subclasses": Network(modules.of_subclasses, "subclasses of Conv2d, Linear, Sequential"),
    "nested": Network(modules.Nested, "modules in modules; ModuleList by index"),
    "GroupNorm": Network(modules.GroupNormed, "GroupNorm, InstanceNorm2d; SiLU, Mish", COLOUR),
    "dilated": Network(modules.Dilated, "dilation; BatchNorm2d(momentum=None); LazyLinear"),
    "rows as channels": Network(modules.RowsOfPixels, "Conv1d; adaptive_avg_pool1d; squeeze"),
    "ResNet-8": Network(lambda: residual.ResNet(1, 8), "option A: pad, slices of stride 2", COLOUR),
    "ResNet-20": Network(lambda: residual.ResNet(3, 4, "B"), "option B: 1x1 of stride 2", COLOUR),
    "pre-activation": Network(residual.PreActivation, "scalar gains; x[:, :, 0, 0]"),
    "ResNeXt": Network(residual.resnext, "groups", COLOUR),
    "ConvNeXt": Network(residual.ConvNeXt, "LayerNorm by permute; layer scale", COLOUR),
    "ConvMixer": Network(residual.ConvMixer, "depthwise, padding same; residual wrapper", COLOUR),
    "stochastic depth": Network(
        residual.StochasticDepth, "a coin at each call", refused="draws random numbers"
    ),
    "MobileNet": Network(mobile.mobile_net, "depthwise", COLOUR),
    "MobileNetV2": Network(mobile.mobile_net_v2, "inverted residuals; ReLU6, Hardswish"),
    "ShuffleNet": Network(mobile.shuffle_net, "chunk; channel shuffle", COLOUR),
    "squeeze and excite": Network(mobile.squeeze_excite, "multiplication by gates; expand_as"),
    "gates by convolutions": Network(
        mobile.GatedByConvolutions, "x * sigmoid(x); hardsigmoid; mean and amax of channels", COLOUR
    ),
    "encoder layers": Network(transformers.EncoderLayers, "nn.TransformerEncoderLayer; patches"),
    "multi-head attention": Network(
        transformers.WithMultihead, "nn.MultiheadAttention; class token", COLOUR
    ),
    "vision transformer": Network(
        transformers.ViT, "attention by hand: reshape, permute, unbind; learned positions"
    ),
    "causal rows": Network(transformers.CausalRows, "bmm; masked_fill; softmax"),
    "fused attention": Network(transformers.FusedAttention, "scaled_dot_product_attention; chunk"),
    "attention pooling": Network(transformers.AttentionPooling, "softmax over positions; einsum"),
    "LSTM": Network(recurrent.RowLSTM, "nn.LSTM"),
    "GRU": Network(recurrent.RowGRU, "nn.GRU, both ways"),
    "recurrent by hand": Network(recurrent.OwnCell, "a loop over rows of the image"),
}
