"""The C structures of ``source/spec.h``, in ctypes."""

from ctypes import POINTER, Structure, c_double, c_float, c_int32, c_int64, c_void_p

CONVOLUTION, FUSED, GLOBAL_AVERAGE, DROPOUT, ADDITION = range(5)
NO_POOL, MAX_POOL, AVERAGE_POOL = range(3)
SGD, ADAMW, NO_UPDATE, ADAM = range(4)


class Shape(Structure):
    """Channels, height and width of a value; a vector of ``n`` is ``(n, 1, 1)``."""

    _fields_ = (("channels", c_int32), ("height", c_int32), ("width", c_int32))


class Layer(Structure):
    """One layer; tensors are indices, -1 means none."""

    _fields_ = (
        ("kind", c_int32),
        ("input", c_int32),
        ("other", c_int32),
        ("in_shape", Shape),
        ("out_shape", Shape),
        ("kernel_height", c_int32),
        ("kernel_width", c_int32),
        ("pad_height", c_int32),
        ("pad_width", c_int32),
        ("batch_norm", c_int32),
        ("relu", c_int32),
        ("pool", c_int32),
        ("weight", c_int32),
        ("bias", c_int32),
        ("mean", c_int32),
        ("variance", c_int32),
        ("batches", c_int32),
        ("epsilon", c_float),
        ("momentum", c_float),
        ("drop", c_float),
    )


class Parameter(Structure):
    """Addresses of a parameter, its gradient, and its optimiser state."""

    _fields_ = (
        ("value", c_void_p),
        ("gradient", c_void_p),
        ("first", c_void_p),
        ("second", c_void_p),
        ("average", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
    )


class Images(Structure):
    """Images in their order, and their augmentation."""

    _fields_ = (
        ("pixels", c_void_p),
        ("labels", c_void_p),
        ("order", c_void_p),
        ("horizontal_flips", c_void_p),
        ("vertical_flips", c_void_p),
        ("crops", c_void_p),
        ("matrices", c_void_p),
        ("displacements", c_void_p),
        ("jitters", c_void_p),
        ("sigmas", c_void_p),
        ("filters", c_void_p),
        ("erasures", c_void_p),
        ("fills", c_void_p),
        ("cutouts", c_void_p),
        ("amplitudes", c_void_p),
        ("starts", c_void_p),
        ("inversions", c_void_p),
        ("mixup_partners", c_void_p),
        ("mixup_shares", c_void_p),
        ("cutmix_partners", c_void_p),
        ("cutmix_shares", c_void_p),
        ("cutmix_boxes", c_void_p),
        ("grain", c_void_p),
        ("mean", c_void_p),
        ("std", c_void_p),
        ("grid", c_int32),
    )


class Optimizer(Structure):
    """An optimiser's constants."""

    _fields_ = (
        ("kind", c_int32),
        ("nesterov", c_int32),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("average_decay", c_double),
        ("steps_done", c_int64),
    )


class Training(Structure):
    """Arguments of ``mnistlab_train``."""

    _fields_ = (
        ("images", Images),
        ("optimizer", Optimizer),
        ("parameters", POINTER(Parameter)),
        ("tensors", POINTER(c_void_p)),
        ("bounds", c_void_p),
        ("rates", c_void_p),
        ("dropout_seeds", c_void_p),
        ("class_weights", c_void_p),
        ("first_batch", c_int64),
        ("last_batch", c_int64),
        ("smoothing", c_float),
        ("threads", c_int32),
        ("losses", c_void_p),
        ("correct", c_void_p),
    )


class Evaluation(Structure):
    """Arguments of ``mnistlab_evaluate``."""

    _fields_ = (
        ("images", Images),
        ("parameters", POINTER(Parameter)),
        ("tensors", POINTER(c_void_p)),
        ("count", c_int64),
        ("threads", c_int32),
        ("logits", c_void_p),
    )


STRUCTURES = (Layer, Parameter, Images, Optimizer, Training, Evaluation)
"""In the order of the argument of ``mnistlab_layout``."""
