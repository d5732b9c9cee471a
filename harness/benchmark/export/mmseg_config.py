"""The configs of an mmsegmentation export, in mmengine's style; nothing of its pictures."""

from pprint import pformat

from harness.benchmark.export.train_ids import IGNORE, TrainIds
from harness.records.manifest import BenchmarkHeader

CONDITION_CONFIG = '''\
"""A model's config with one condition of this folder as its test set.

MODEL_CONFIG names the model's config, CONDITION one of `test_dataloaders` in dataset.py.
"""
_base_ = ['{{$MODEL_CONFIG:}}']
_pairs = __import__('mmengine').Config.fromfile('{{fileDirname}}/dataset.py')
_chosen = _pairs['test_dataloaders']['{{$CONDITION:clean}}']
test_dataloader = dict(_delete_=True, **_chosen)
test_evaluator = dict(_delete_=True, **_pairs['test_evaluator'])
test_cfg = dict(_delete_=True, type='TestLoop')
del _pairs, _chosen
'''

_DATASET_CONFIG = '''\
"""{title}

Benchmark {name}, digest {digest}.
"""
dataset_type = 'BaseSegDataset'
data_root = '{{{{fileDirname}}}}'
metainfo = dict(
    classes={classes},
    palette={palette})
conditions = {conditions}
# whose labels lost pixels to the noise filter: their sources are judged without them, too
filtered = {judged}
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
_places = dict(clean=('clean', 'clean', ''))
for _name in conditions:
    _places[_name] = (_name, _name, '')
    _paired = 'clean_for_' + _name
    _labels = _paired if _name in filtered else 'clean'
    _places[_paired] = ('clean', _labels, 'pairs/' + _name + '.txt')
test_dataloaders = dict()
for _name, (_images, _labels, _list) in _places.items():
    test_dataloaders[_name] = dict(
        batch_size=1,
        num_workers=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type=dataset_type,
            data_root=data_root,
            data_prefix=dict(
                img_path='img_dir/' + _images, seg_map_path='ann_dir/' + _labels),
            ann_file=_list,
            metainfo=metainfo,
            img_suffix='.png',
            seg_map_suffix='.png',
            ignore_index={ignore},
            reduce_zero_label=False,
            test_mode=True,
            pipeline=test_pipeline))
del _places, _name, _paired, _images, _labels, _list
test_dataloader = test_dataloaders['clean']
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'], ignore_index={ignore})
'''


def dataset_config(
    header: BenchmarkHeader,
    conditions: tuple[str, ...],
    ids: TrainIds,
    *,
    judged: tuple[str, ...] = (),
) -> str:
    """Return the text of dataset.py.

    Args:
        header: The benchmark's header.
        conditions: The folders of its edits.
        ids: Its train ids.
        judged: Those of `conditions` whose sources have labels of their own to be compared by.
    """
    title = " ".join(header.title.replace("\\", "/").replace('"""', "'''").split()).rstrip('"')
    return _DATASET_CONFIG.format(
        # mmengine puts something else in the place of double braces.
        title=title.replace("{{", "{ {").replace("}}", "} }"),
        name=header.name,
        digest=header.digest,
        classes=_indented(tuple(found.name for found in ids.classes)),
        palette=_indented([list(found.color) for found in ids.classes]),
        conditions=_indented(conditions),
        judged=_indented(judged),
        ignore=IGNORE,
    )


def _indented(value: object) -> str:
    return pformat(value, width=90, compact=True).replace("\n", "\n    ")
