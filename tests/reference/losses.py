"""Numbers for the tests of src/training/losses.rs and src/training/adamw.rs, from PyTorch."""
import torch
import torch.nn.functional as F

# [batch 1, class 3, y 2, x 2], labels with one ignored pixel.
logits = torch.tensor([[[[0.5, -1.0], [2.0, 0.1]], [[1.5, 0.3], [-0.7, 0.2]], [[-0.2, 0.8], [0.4, -1.3]]]])
labels = torch.tensor([[[1, 2], [0, 255]]])
weights = torch.tensor([1.0, 2.0, 5.0])


def show(name, loss, x):
    print(name, f"{loss.item():.7f}", [round(v, 7) for v in x.grad.flatten().tolist()])


x = logits.clone().requires_grad_()
loss = F.cross_entropy(x, labels, weight=weights, ignore_index=255)
loss.backward()
show("cross-entropy", loss, x)

x = logits.clone().requires_grad_()
valid = (labels != 255).unsqueeze(1).float()
truth = F.one_hot(labels.where(labels != 255, 0), 3).permute(0, 3, 1, 2).float() * valid
p = x.softmax(1) * valid
both, total = (p * truth).sum((0, 2, 3)), p.sum((0, 2, 3)) + truth.sum((0, 2, 3))
loss = 1 - ((2 * both + 1) / (total + 1)).mean()
loss.backward()
show("dice", loss, x)

x = torch.tensor([[0.5, -1.0, 2.0], [0.1, 1.5, 0.3]], requires_grad=True)
loss = F.cross_entropy(x, torch.tensor([2, 0]))
loss.backward()
show("classifier", loss, x)

# AdamW, three steps with gradients p * (1, 2, 3): the matrix decays, the bias does not.
matrix, bias = torch.tensor([[1.0, -2.0, 0.5]], requires_grad=True), torch.tensor([0.3], requires_grad=True)
groups = [{"params": [matrix], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
adamw = torch.optim.AdamW(groups, lr=0.01)
for step in range(1, 4):
    matrix.grad, bias.grad = matrix.detach() * step, bias.detach() * step
    adamw.step()
print("adamw", matrix.tolist(), bias.tolist())

# Distances of src/training/distances.rs over the numbers that are known.
output = torch.tensor([0.5, -1.0, 2.0, 0.1, 1.5, 0.3, -0.7, 0.2], requires_grad=True)
truth = torch.tensor([0.0, -1.25, float("nan"), 0.4, -1.0, 0.3, 0.1, 0.25])
known = torch.isfinite(truth)
losses = [("mean squared", torch.nn.MSELoss()), ("mean absolute", torch.nn.L1Loss()), ("huber", torch.nn.HuberLoss(delta=0.5))]
for name, distance in losses:
    output.grad = None
    loss = distance(output[known], truth[known])
    loss.backward()
    show(name, loss, output)
