"""The real Trainer of Hugging Face. Needs transformers, accelerate and torch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from holdfast_checkpoints.huggingface import Callback, resume_from_checkpoint  # noqa: E402


class Config(transformers.PretrainedConfig):  # type: ignore[misc, name-defined]
    model_type = "small"


class Model(transformers.PreTrainedModel):  # type: ignore[misc, name-defined]
    config_class = Config

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
        self.post_init()

    def _init_weights(self, module: Any) -> None:
        pass

    def forward(self, x: Any, labels: Any) -> Any:
        prediction = self.layers(x).squeeze(-1)
        return {"loss": torch.nn.functional.mse_loss(prediction, labels), "logits": prediction}


def trainer(steps: int, out: Path, store: holdfast.Store | None, **options: Any) -> Any:
    generator = torch.Generator().manual_seed(7)
    data = [{"x": x, "labels": x.sum()} for x in torch.randn(32, 4, generator=generator)]
    torch.manual_seed(3)
    return transformers.Trainer(
        model=Model(Config()),
        args=transformers.TrainingArguments(
            output_dir=str(out),
            per_device_train_batch_size=8,
            max_steps=steps,
            save_steps=2,
            eval_steps=2,
            eval_strategy="steps",
            logging_steps=1,
            lr_scheduler_type="constant",
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
            **options,
        ),
        train_dataset=data,
        eval_dataset=data,
        callbacks=[] if store is None else [Callback(store)],
    )


def weights(of: Any) -> dict[str, Any]:
    return {name: each.clone() for name, each in of.model.state_dict().items()}


def test_resumes_on_a_new_machine_with_the_weights_of_a_run_without_an_interruption(
    location: str, tmp_path: Path
) -> None:
    whole = trainer(8, tmp_path / "plain", None)
    whole.train()

    out = tmp_path / "out"
    with open_store(location, objectives={"loss": ("eval_loss", "min")}, keep_last=2) as store:
        assert resume_from_checkpoint(store, out) is None
        trainer(4, out, store).train()
        latest = store.get("latest")
        assert latest is not None and latest.step == 4
        assert {"eval_loss", "loss"} <= set(latest.metrics)
        assert {"model.safetensors", "trainer_state.json", "optimizer.pt"} <= {file.name for file in latest.files}
    shutil.rmtree(out)  # another machine has no files of the first one

    with open_store(location, objectives={"loss": ("eval_loss", "min")}, keep_last=2) as store:
        second = trainer(8, out, store)
        second.train(resume_from_checkpoint=resume_from_checkpoint(store, out))
        assert second.state.global_step == 8
        expected = weights(whole)
        for name, each in weights(second).items():
            assert torch.equal(each, expected[name])


def test_a_store_with_ranks_is_refused(tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "store", ranks=(0, 2)) as store,
        pytest.raises(holdfast.InvalidArgument, match="without ranks"),
    ):
        Callback(store)


def test_the_store_keeps_what_the_trainer_removes_from_its_folder(disk_store: holdfast.Store, tmp_path: Path) -> None:
    trainer(6, tmp_path / "out", disk_store, save_total_limit=1).train()
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["checkpoint-6"]
    assert [each.step for each in disk_store.list()] == [2, 4, 6]


def test_restores_the_best_checkpoint_for_load_best_model_at_end(tmp_path: Path) -> None:
    out = tmp_path / "out"
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
    with open_store(tmp_path / "store", objectives={"loss": ("eval_loss", "min")}, keep_last=1) as store:
        trainer(4, out, store, learning_rate=1.0, **best).train()
        known = store.best("loss")
        assert known is not None
        shutil.rmtree(out)
        folder = resume_from_checkpoint(store, out)
        assert folder is not None
        assert (out / f"checkpoint-{known.step}" / "model.safetensors").exists()
        second = trainer(6, out, store, learning_rate=1.0, **best)
        second.train(resume_from_checkpoint=folder)
        assert second.state.best_model_checkpoint is not None


def test_a_restored_folder_is_one_that_from_pretrained_reads(disk_store: holdfast.Store, tmp_path: Path) -> None:
    first = trainer(2, tmp_path / "out", disk_store)
    first.train()
    restored = disk_store.restore("latest", tmp_path / "model")
    assert restored is not None
    model = Model.from_pretrained(tmp_path / "model")
    for name, each in model.state_dict().items():
        assert torch.equal(each, weights(first)[name])
