"""
Trains a small network to find the joints of figures. Kill it at any moment, and start it again with the same command:

    python3 train.py --store ./runs/pose --epochs 300
"""

import argparse

import torch
from torch.utils.data import DataLoader, TensorDataset

import holdfast_checkpoints as holdfast
from holdfast_checkpoints.torch import ResumableBatchSampler, load_rng_state, rng_state

OBJECTIVES = {
    "loss": ("val_loss", "min"),
    "pck": {"metric": "val_pck", "direction": "max", "smoothing": {"average": 3}},
    "overall": {"weights": {"loss": 0.5, "pck": 0.5}},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default="./runs/pose")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--save-every", type=int, default=4, help="batches")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()

    torch.manual_seed(42)
    torch.set_num_threads(1)
    train_data, val_data = figures(512), figures(128)
    model = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(64, 8))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    sampler = ResumableBatchSampler(len(train_data), batch_size=64, seed=42)
    loader = DataLoader(train_data, batch_sampler=sampler, num_workers=options.workers)
    step = 0

    with holdfast.open(
        options.store, objectives=OBJECTIVES, keep_last=3, keep_best=dict.fromkeys(OBJECTIVES, 1)
    ) as store:
        restored = store.restore("latest", fallback=True)  # None on a fresh run
        if restored:
            state = torch.load(restored["state.pth"])
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            load_rng_state(state["rng"])
            sampler.load_state_dict(restored.data_state)
            step = restored.step

        while sampler.epoch < options.epochs:
            epoch = sampler.epoch
            for inputs, joints in sampler.delivered(loader):
                loss = torch.nn.functional.mse_loss(model(inputs), joints)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                ends_epoch = sampler.epoch > epoch
                if ends_epoch or step % options.save_every == 0:
                    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": rng_state()}
                    metrics = validate(model, val_data) if ends_epoch else None
                    store.save_async(
                        step,
                        {"state.pth": state},
                        epoch=sampler.epoch,
                        metrics=metrics,
                        data_state=sampler.state_dict(),
                    )
    print(f"digest of the weights: {digest(model)}")


def figures(count):
    """Makes figures of 4 joints, each seen twice with noise."""
    joints = torch.rand(count, 8)
    return TensorDataset(torch.cat([joints, joints], dim=1) + 0.05 * torch.randn(count, 16), joints)


@torch.no_grad()
def validate(model, data):
    """Returns the loss, and the share of correct keypoints (PCK): those less than 0.1 from their joint."""
    model.eval()
    inputs, joints = data.tensors
    found = model(inputs)
    model.train()
    distances = (found - joints).reshape(len(joints), 4, 2).norm(dim=2)
    loss = torch.nn.functional.mse_loss(found, joints)
    return {"val_loss": loss, "val_pck": (distances < 0.1).float().mean()}


def digest(model):
    return sum(value.double().sum().item() for value in model.state_dict().values()).hex()


if __name__ == "__main__":
    main()
