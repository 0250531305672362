"""Which input pixels an output of the U-Net of 2015 sees, by its gradient: prints what the test of receptive fields in
src/network/architectures/fields.rs expects.

Base 1, every weight positive, average instead of max pooling (same support), in f64: nothing cancels, so a pixel is seen
where the gradient is not 0.
"""

import torch
import torch.nn.functional as F

SIZE = 572


def block(x):
    w = torch.ones(1, x.shape[1], 3, 3, dtype=torch.float64)
    return F.conv2d(F.conv2d(x, w / w.numel()), torch.full((1, 1, 3, 3), 1 / 9, dtype=torch.float64))


def crop(x, size):
    first = (x.shape[-1] - size) // 2
    return x[..., first : first + size, first : first + size]


def unet(x):
    skips = []
    for _ in range(4):
        x = block(x)
        skips.append(x)
        x = F.avg_pool2d(x, 2)
    x = block(x)
    for skip in reversed(skips):
        x = F.conv_transpose2d(x, torch.ones(1, 1, 2, 2, dtype=torch.float64), stride=2)
        x = block(torch.cat([crop(skip, x.shape[-1]), x], 1))
    return x


x = torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64, requires_grad=True)
y = unet(x)
print("output", tuple(y.shape[-2:]))
for place in [*range(17), 371, 387]:
    (gradient,) = torch.autograd.grad(y[0, 0, place, place], x, retain_graph=True)
    columns = (gradient[0, 0] != 0).any(0).nonzero().flatten()
    print(place, (int(columns[0]), int(columns[-1])), int(columns[-1] - columns[0] + 1))
