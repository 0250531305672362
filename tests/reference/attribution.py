"""Makes tests/fixtures/analysis/attribution_*.safetensors: why a class's score is what it is, by PyTorch's autograd.

Run with PyTorch and safetensors installed: python tests/reference/attribution.py
Each file holds a network's graph (metadata "graph") and weights ("weight:NAME"), an image ("image", [channel, y, x]), and
of class CLASS's logit, summed over the rectangle REGION (x, y, width, height; of the classifier its one answer):
  gradient, gradient-input   ∂ score / ∂ image, and that times the image, [channel, y, x]
  integrated:BASELINE        integrated gradients with STEPS steps, taken in the middle of each part
  cam:weights, cam           of NODE: the mean gradient of each feature, and relu(Σ weight · map), [y, x]
  occlusion                  falls of logit and mean probability where squares of PATCH px every STRIDE px show the
                             channels' means, [2, row, column]
  labels                     a label map by chance, [y, x]
Numbers are in the metadata "numbers": score and mean probability, scores of the baselines, and for each channel set to
its mean the score, the mean probability and the class's IoU over the whole image. Sums are done in f64.
"""

import json
from pathlib import Path

import torch
from network import compute, lenet, save_file, unet

OUT = Path(__file__).parent.parent / "fixtures/analysis"
CLASS, REGION, STEPS, PATCH, STRIDE = 1, (5, 6, 9, 8), 8, 6, 4


class Asked:
    def __init__(self, net, over_region):
        self.net, self.over_region = net, over_region
        self.weights = {name: value.float().double() for name, value in net.weights.items()}

    def values(self, image):
        values = {}
        for node in self.net.nodes:
            xs = [values[name] for name in node["inputs"]]
            lookup = lambda suffix: self.weights.get(node["name"] + suffix)
            if node["op"] == "dropout":
                values[node["name"]] = xs[0]
            else:
                values[node["name"]] = image[None] if node["op"] == "input" else compute(node, xs, lookup, False)
            if values[node["name"]].requires_grad and node["op"] != "input":
                values[node["name"]].retain_grad()
        return values

    def answer(self, image):
        return self.values(image)[self.net.nodes[-1]["name"]][0]

    def region(self, plane):
        if not self.over_region:
            return plane
        x, y, width, height = REGION
        return plane[..., y : y + height, x : x + width]

    def score(self, answer):
        return self.region(answer[CLASS]).sum()

    def both(self, image):
        answer = self.answer(image)
        return self.score(answer).item(), self.region(answer.softmax(0)[CLASS]).mean().item()

    def gradient(self, image):
        image = image.clone().requires_grad_()
        self.score(self.answer(image)).backward()
        return image.grad


def make(name, net, shape, node, over_region):
    asked = Asked(net, over_region)
    image = (torch.randn(shape) + 0.3).float().double()
    tensors = {f"weight:{key}": value for key, value in asked.weights.items()} | {"image": image}
    score, probability = asked.both(image)
    numbers = {"score": score, "probability": probability, "baselines": {}, "ablation": []}

    tensors["gradient"] = asked.gradient(image)
    tensors["gradient-input"] = tensors["gradient"] * image
    lowest = image.amin((1, 2), keepdim=True).expand(shape)
    for kind, baseline in (("zero", torch.zeros(shape).double()), ("black", lowest)):
        alphas = [(step + 0.5) / STEPS for step in range(STEPS)]
        mean = sum(asked.gradient(baseline + alpha * (image - baseline)) for alpha in alphas) / STEPS
        tensors[f"integrated:{kind}"] = mean * (image - baseline)
        numbers["baselines"][kind] = asked.both(baseline)[0]

    values = asked.values(image.clone().requires_grad_())
    asked.score(values[net.nodes[-1]["name"]][0]).backward()
    weights = values[node].grad[0].mean((1, 2))
    tensors["cam:weights"] = weights
    tensors["cam"] = torch.relu((weights[:, None, None] * values[node][0]).sum(0))

    means = image.mean((1, 2))
    height, width = shape[1:]
    falls = []
    for y in range(0, height, STRIDE):
        for x in range(0, width, STRIDE):
            covered = image.clone()
            covered[:, y : y + PATCH, x : x + PATCH] = means[:, None, None]
            falls.append([before - after for before, after in zip((score, probability), asked.both(covered))])
    tensors["occlusion"] = torch.tensor(falls).T.reshape(2, -(-height // STRIDE), -(-width // STRIDE))

    labels = torch.randint(0, 3, (height, width))
    tensors["labels"] = labels

    def iou(image):
        if not over_region:
            return None
        predicted, truth = asked.answer(image).argmax(0) == CLASS, labels == CLASS
        return (predicted & truth).sum().item() / (predicted | truth).sum().item()

    numbers["iou"] = iou(image)
    for channel in range(shape[0]):
        without = image.clone()
        without[channel] = means[channel]
        numbers["ablation"].append([*asked.both(without), iou(without)])

    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"attribution_{name}.safetensors"
    graph = {"architecture": net.architecture, "nodes": net.nodes}
    metadata = {"graph": json.dumps(graph), "node": node, "numbers": json.dumps(numbers), "torch": torch.__version__}
    save_file({key: value.detach().float().contiguous() for key, value in tensors.items()}, path, metadata)
    print(path, path.stat().st_size, numbers)


if __name__ == "__main__":
    torch.manual_seed(6)
    torch.set_num_threads(1)
    make("unet", unet(2, 3, 3, 2, norm=True, bilinear=False), (2, 24, 20), "mid.relu2", True)
    make("lenet", lenet(), (1, 16, 16), "relu2", False)
