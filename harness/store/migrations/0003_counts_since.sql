-- A run that is asked for again without being run again counts again: its submission has come back
-- to that image, so the board shows that image and not the one that ran last.

ALTER TABLE run ADD COLUMN counts_since TIMESTAMP;
UPDATE run SET counts_since = finished_at;
COMMENT ON COLUMN run.counts_since IS 'When it was last asked for, UTC: when it ended, or later, when the same key was evaluated again and this run served.';

CREATE OR REPLACE VIEW scored_run AS
SELECT r.run_id, r.benchmark_digest, b.name AS benchmark, r.submission, r.finished_at,
    coalesce(d.clean_miou >= b.qualifying_miou, FALSE) AS qualified
FROM run AS r
JOIN benchmark AS b ON b.digest = r.benchmark_digest
JOIN drop_overall AS d ON d.run_id = r.run_id
QUALIFY row_number() OVER (
    PARTITION BY r.benchmark_digest, r.submission ORDER BY r.counts_since DESC, r.run_id DESC
) = 1;
COMMENT ON VIEW scored_run IS 'The completed run of each submission on each benchmark that was asked for last: the one a board shows.';
COMMENT ON COLUMN scored_run.run_id IS 'The run.';
COMMENT ON COLUMN scored_run.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN scored_run.benchmark IS 'The name of the benchmark.';
COMMENT ON COLUMN scored_run.submission IS 'The name of the submission.';
COMMENT ON COLUMN scored_run.finished_at IS 'When the run ended, UTC.';
COMMENT ON COLUMN scored_run.qualified IS 'Whether the clean mIoU reaches the qualifying mIoU; else it is listed, not ranked.';
