#!/usr/bin/env bash
# tensorflow-datasets 4.9.10: tfds.decode.PartialDecoding is no decoder for as_data_source.
#
# Guessed: `decoders=` of as_data_source takes what that of as_dataset takes, so PartialDecoding({"label": True}) reads
# labels without decoding pictures. Seen: the object is flattened as if it were a dict of decoders of the features:
#   ValueError: Error while flattening dict: FeaturesDict received a non dict item: <...PartialDecoding object at 0x...>
# Without TensorFlow (as_data_source is the way that needs none), features can be left undecoded one by one by
# tfds.decode.SkipDecoding(), and not be left out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --disable-pip-version-check \
    tensorflow-datasets==4.9.10 array-record==0.8.6 importlib-resources pillow
cd "$folder"
cat > read.py <<'P'
import sys

import numpy as np
import tensorflow_datasets as tfds


class Few(tfds.core.GeneratorBasedBuilder):
    """Three pictures with labels."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"image": tfds.features.Image(shape=(4, 4, 1)), "label": tfds.features.ClassLabel(num_classes=3)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        import io

        from PIL import Image

        for label in range(3):
            buffer = io.BytesIO()
            Image.fromarray(np.full((4, 4), label, np.uint8)).save(buffer, format="png")
            yield label, {"image": buffer.getvalue(), "label": label}


builder = Few(data_dir="data")
builder.download_and_prepare(file_format="array_record")
skipped = builder.as_data_source("train", decoders={"image": tfds.decode.SkipDecoding()})
print("SkipDecoding:", sorted(int(record["label"]) for record in skipped))
try:
    source = builder.as_data_source("train", decoders=tfds.decode.PartialDecoding({"label": True}))
    print("PartialDecoding:", [dict(record) for record in source])
except Exception as error:
    print(f"PartialDecoding: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    sys.exit(0)
sys.exit(1)
P
"$folder/environment/bin/python" read.py 2> /dev/null
