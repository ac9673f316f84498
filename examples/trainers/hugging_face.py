"""Trains a small model with the Trainer of Hugging Face. It knows nothing of Holdfast.

    python hugging_face.py out
    holdfast run --watch out -- python hugging_face.py out
"""

import argparse
import os
import time

import torch
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--save-every", type=int, default=10)
parser.add_argument("--pause", type=float, default=0, help="seconds that each step takes longer")
options = parser.parse_args()


class Config(PretrainedConfig):
    model_type = "small"


class Model(PreTrainedModel):
    config_class = Config

    def __init__(self, config):
        super().__init__(config)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(64, 1)
        )
        self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, x, labels):
        prediction = self.layers(x).squeeze(-1)
        return {"loss": torch.nn.functional.mse_loss(prediction, labels), "logits": prediction}


class Pause(TrainerCallback):
    def on_step_end(self, *_, **__):
        time.sleep(options.pause)


torch.set_num_threads(1)
torch.manual_seed(0)
inputs = torch.randn(256, 16)
data = [{"x": x, "labels": x.sin().sum()} for x in inputs]
os.makedirs(options.out, exist_ok=True)
trainer = Trainer(
    model=Model(Config()),
    args=TrainingArguments(
        output_dir=options.out,
        per_device_train_batch_size=32,
        max_steps=options.steps,
        save_steps=options.save_every,
        save_total_limit=3,
        logging_steps=options.save_every,
        lr_scheduler_type="constant",  # independent of --steps, so that a run may be continued further
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    ),
    train_dataset=data,
    callbacks=[Pause()],
)
last = get_last_checkpoint(options.out)
print(f"training from {last}", flush=True)
trainer.train(resume_from_checkpoint=last)
