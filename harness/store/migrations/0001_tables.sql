-- What is stored: integers and records. Every ratio is a view (0002_views.sql).
-- There are no foreign keys: DuckDB refuses to update a row that another table refers to, and a
-- benchmark's title or qualifying mIoU may change. The store checks references as it inserts.

CREATE TABLE benchmark (
    digest VARCHAR PRIMARY KEY,
    ordinal INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    qualifying_miou DOUBLE NOT NULL,
    record VARCHAR NOT NULL
);
COMMENT ON TABLE benchmark IS 'One row a benchmark that submissions were run on.';
COMMENT ON COLUMN benchmark.digest IS 'Its identity: the digest of its manifest.';
COMMENT ON COLUMN benchmark.ordinal IS 'The order in which benchmarks were first stored, from 1.';
COMMENT ON COLUMN benchmark.name IS 'Its name; builds that differ share the name, not the digest.';
COMMENT ON COLUMN benchmark.title IS 'The name people read.';
COMMENT ON COLUMN benchmark.qualifying_miou IS 'The clean mIoU (ratio) a submission needs to be ranked.';
COMMENT ON COLUMN benchmark.record IS 'The whole BenchmarkHeader, JSON.';

CREATE TABLE label_class (
    benchmark_digest VARCHAR NOT NULL,
    class_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    PRIMARY KEY (benchmark_digest, class_id)
);
COMMENT ON TABLE label_class IS 'The classes of a benchmark''s labels.';
COMMENT ON COLUMN label_class.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN label_class.class_id IS 'The value of the class in a label PNG.';
COMMENT ON COLUMN label_class.name IS 'The name of the class.';

CREATE TABLE edit (
    benchmark_digest VARCHAR NOT NULL,
    attribute VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (benchmark_digest, attribute, value)
);
COMMENT ON TABLE edit IS 'The edits that a benchmark''s recipe asks for.';
COMMENT ON COLUMN edit.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN edit.attribute IS 'The attribute, as in color.';
COMMENT ON COLUMN edit.value IS 'The value it is set to, as in violet.';
COMMENT ON COLUMN edit.position IS 'The recipe''s order, from 0.';

CREATE TABLE sample (
    benchmark_digest VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    source_name VARCHAR NOT NULL,
    attribute VARCHAR,
    value VARCHAR,
    accepted BOOLEAN NOT NULL,
    record VARCHAR NOT NULL,
    PRIMARY KEY (benchmark_digest, sample_id)
);
COMMENT ON TABLE sample IS 'Every sample of a benchmark''s manifest, rejected edits included.';
COMMENT ON COLUMN sample.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN sample.sample_id IS 'The opaque id of the sample.';
COMMENT ON COLUMN sample.source_id IS 'The id of its source; a source names itself.';
COMMENT ON COLUMN sample.source_name IS 'The name of the source image in its data set.';
COMMENT ON COLUMN sample.attribute IS 'The edited attribute; NULL for a source.';
COMMENT ON COLUMN sample.value IS 'The value it was set to; NULL for a source.';
COMMENT ON COLUMN sample.accepted IS 'Whether the sample is scored.';
COMMENT ON COLUMN sample.record IS 'The whole Sample, JSON.';

CREATE TABLE run (
    run_id VARCHAR PRIMARY KEY,
    benchmark_digest VARCHAR NOT NULL,
    image_digest VARCHAR NOT NULL,
    limits_digest VARCHAR NOT NULL,
    submission VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    reason VARCHAR,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    predictions INTEGER NOT NULL,
    startup_seconds DOUBLE,
    total_seconds DOUBLE NOT NULL,
    forced BOOLEAN NOT NULL,
    harness_version VARCHAR NOT NULL,
    record VARCHAR NOT NULL
);
COMMENT ON TABLE run IS 'One row an evaluation, however it ended; only completed ones have counts.';
COMMENT ON COLUMN run.run_id IS 'The id of the run, random.';
COMMENT ON COLUMN run.benchmark_digest IS 'The benchmark; first part of the run''s key.';
COMMENT ON COLUMN run.image_digest IS 'The digest of the container image; second part of the key.';
COMMENT ON COLUMN run.limits_digest IS 'The digest of its limits; third part of the key.';
COMMENT ON COLUMN run.submission IS 'The name of the submission.';
COMMENT ON COLUMN run.status IS 'completed, submission_failed or harness_failed.';
COMMENT ON COLUMN run.reason IS 'Why the submission failed, from the closed list; else NULL.';
COMMENT ON COLUMN run.started_at IS 'When it started, UTC.';
COMMENT ON COLUMN run.finished_at IS 'When it ended, UTC.';
COMMENT ON COLUMN run.predictions IS 'Number of predictions accepted.';
COMMENT ON COLUMN run.startup_seconds IS 'Seconds from the start to the ready line; NULL without one.';
COMMENT ON COLUMN run.total_seconds IS 'Seconds from the start to the end.';
COMMENT ON COLUMN run.forced IS 'Whether the same key had been run before.';
COMMENT ON COLUMN run.harness_version IS 'The version of the harness.';
COMMENT ON COLUMN run.record IS 'The whole RunRecord, JSON.';

CREATE TABLE class_count (
    run_id VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    class_id INTEGER NOT NULL,
    tp BIGINT NOT NULL CHECK (tp >= 0),
    fp BIGINT NOT NULL CHECK (fp >= 0),
    fn BIGINT NOT NULL CHECK (fn >= 0),
    PRIMARY KEY (run_id, sample_id, class_id)
);
COMMENT ON TABLE class_count IS 'Pixel counts per run, sample and class; no row where all three are 0.';
COMMENT ON COLUMN class_count.run_id IS 'The run.';
COMMENT ON COLUMN class_count.sample_id IS 'The sample.';
COMMENT ON COLUMN class_count.class_id IS 'The class; -1 gathers predictions outside the classes.';
COMMENT ON COLUMN class_count.tp IS 'Pixels of the class that were predicted as it.';
COMMENT ON COLUMN class_count.fp IS 'Pixels of another class that were predicted as it.';
COMMENT ON COLUMN class_count.fn IS 'Pixels of the class that were not predicted as it.';
