-- An edit whose label lost pixels to the noise filter is compared with its source on the pixels that
-- are left: the source's prediction is counted under the edit's filtered label as well. A source's own
-- clean mIoU stays under its whole label, and where the object moved both sides keep their own labels.

CREATE TABLE filtered_edit (
    benchmark_digest VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    PRIMARY KEY (benchmark_digest, sample_id)
);
COMMENT ON TABLE filtered_edit IS 'The accepted edits that move nothing and have a filtered label, under which their source is counted as well; none where no filter took a pixel.';
COMMENT ON COLUMN filtered_edit.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN filtered_edit.sample_id IS 'The edit.';

-- Quotes inside a JSON string are escaped, so this finds the key and nothing else.
INSERT INTO filtered_edit
SELECT benchmark_digest, sample_id FROM sample
WHERE accepted AND attribute NOT IN ('size', 'position')
    AND contains(record, '"filtered_label_pixel_sha256":"');

CREATE TABLE paired_count (
    run_id VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    class_id INTEGER NOT NULL,
    tp BIGINT NOT NULL CHECK (tp >= 0),
    fp BIGINT NOT NULL CHECK (fp >= 0),
    fn BIGINT NOT NULL CHECK (fn >= 0),
    PRIMARY KEY (run_id, sample_id, class_id)
);
COMMENT ON TABLE paired_count IS 'Pixel counts of the source''s prediction under a filtered edit''s label, per run, edit and class: the clean side of that edit''s drop; no row where all three are 0.';
COMMENT ON COLUMN paired_count.run_id IS 'The run.';
COMMENT ON COLUMN paired_count.sample_id IS 'The edit, one of filtered_edit; the prediction is that of its source.';
COMMENT ON COLUMN paired_count.class_id IS 'The class; -1 gathers predictions outside the classes.';
COMMENT ON COLUMN paired_count.tp IS 'Pixels of the class that were predicted as it.';
COMMENT ON COLUMN paired_count.fp IS 'Pixels of another class that were predicted as it.';
COMMENT ON COLUMN paired_count.fn IS 'Pixels of the class that were not predicted as it.';

-- A label with a pixel left gives either table a row, whatever was predicted.
CREATE VIEW unpaired_run AS
SELECT DISTINCT r.run_id, r.benchmark_digest
FROM run AS r
JOIN filtered_edit AS f ON f.benchmark_digest = r.benchmark_digest
SEMI JOIN class_count AS n ON n.run_id = r.run_id AND n.sample_id = f.sample_id
ANTI JOIN paired_count AS p ON p.run_id = r.run_id AND p.sample_id = f.sample_id
WHERE r.status = 'completed';
COMMENT ON VIEW unpaired_run IS 'Completed runs that are not scored, since they lack counts of sources under filtered labels; evaluate again.';
COMMENT ON COLUMN unpaired_run.run_id IS 'The run.';
COMMENT ON COLUMN unpaired_run.benchmark_digest IS 'The benchmark.';

CREATE OR REPLACE VIEW condition_sample AS
WITH scored AS (
    SELECT * FROM sample WHERE accepted
), pair AS (
    SELECT e.benchmark_digest, e.attribute, e.value, s.sample_id AS source, e.sample_id AS edited,
        f.sample_id AS filtered_by
    FROM scored AS e
    JOIN scored AS s ON s.benchmark_digest = e.benchmark_digest AND s.sample_id = e.source_id
    LEFT JOIN filtered_edit AS f
        ON f.benchmark_digest = e.benchmark_digest AND f.sample_id = e.sample_id
    WHERE e.attribute IS NOT NULL
)
SELECT benchmark_digest, 'clean' AS condition, NULL AS attribute, NULL AS value, 'clean' AS side,
    sample_id, NULL AS filtered_by
FROM scored WHERE attribute IS NULL
UNION ALL
SELECT benchmark_digest, attribute || '=' || value, attribute, value, 'clean', source, filtered_by
FROM pair
UNION ALL
SELECT benchmark_digest, attribute || '=' || value, attribute, value, 'edited', edited, NULL FROM pair;
COMMENT ON VIEW condition_sample IS 'Which samples each condition pools. Condition clean: all sources. Condition attribute=value: side edited has the accepted edits, side clean their own sources.';
COMMENT ON COLUMN condition_sample.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN condition_sample.condition IS 'clean, or attribute=value.';
COMMENT ON COLUMN condition_sample.attribute IS 'The attribute; NULL for clean.';
COMMENT ON COLUMN condition_sample.value IS 'The value; NULL for clean.';
COMMENT ON COLUMN condition_sample.side IS 'clean or edited.';
COMMENT ON COLUMN condition_sample.sample_id IS 'The sample.';
COMMENT ON COLUMN condition_sample.filtered_by IS 'The edit under whose filtered label the sample is counted (paired_count); NULL where it is under its own (class_count).';

CREATE OR REPLACE VIEW iou AS
WITH scored AS (
    SELECT * FROM run WHERE status = 'completed' AND run_id NOT IN (SELECT run_id FROM unpaired_run)
), counted AS (
    SELECT r.run_id, r.benchmark_digest, c.condition, c.attribute, c.value, c.side,
        n.class_id, n.tp, n.fp, n.fn
    FROM scored AS r
    JOIN condition_sample AS c ON c.benchmark_digest = r.benchmark_digest
    JOIN class_count AS n ON n.run_id = r.run_id AND n.sample_id = c.sample_id
    WHERE c.filtered_by IS NULL
    UNION ALL
    SELECT r.run_id, r.benchmark_digest, c.condition, c.attribute, c.value, c.side,
        n.class_id, n.tp, n.fp, n.fn
    FROM scored AS r
    JOIN condition_sample AS c ON c.benchmark_digest = r.benchmark_digest
    JOIN paired_count AS n ON n.run_id = r.run_id AND n.sample_id = c.filtered_by
), pooled AS (
    SELECT n.run_id, n.condition, n.attribute, n.value, n.side, n.class_id, l.name AS class_name,
        CAST(sum(n.tp) AS BIGINT) AS tp,
        CAST(sum(n.fp) AS BIGINT) AS fp,
        CAST(sum(n.fn) AS BIGINT) AS fn
    FROM counted AS n
    JOIN label_class AS l ON l.benchmark_digest = n.benchmark_digest AND l.class_id = n.class_id
    GROUP BY n.run_id, n.condition, n.attribute, n.value, n.side, n.class_id, l.name
)
SELECT *,
    tp / nullif(tp + fp + fn, 0) AS iou,
    sum(CAST(tp + fn > 0 AS INTEGER)) OVER (PARTITION BY run_id, condition, class_id)
        = CASE WHEN condition = 'clean' THEN 1 ELSE 2 END AS averaged
FROM pooled;
COMMENT ON VIEW iou IS 'IoU per scored run, condition, side and class, with the pooled counts.';
COMMENT ON COLUMN iou.run_id IS 'The run.';
COMMENT ON COLUMN iou.condition IS 'clean, or attribute=value.';
COMMENT ON COLUMN iou.attribute IS 'The attribute; NULL for clean.';
COMMENT ON COLUMN iou.value IS 'The value; NULL for clean.';
COMMENT ON COLUMN iou.side IS 'clean: the sources, under the filtered labels of the condition''s edits where those have one; edited: their edits.';
COMMENT ON COLUMN iou.class_id IS 'The class.';
COMMENT ON COLUMN iou.class_name IS 'The name of the class.';
COMMENT ON COLUMN iou.tp IS 'True positive pixels, summed over the samples.';
COMMENT ON COLUMN iou.fp IS 'False positive pixels.';
COMMENT ON COLUMN iou.fn IS 'False negative pixels.';
COMMENT ON COLUMN iou.iou IS 'tp / (tp + fp + fn), ratio.';
COMMENT ON COLUMN iou.averaged IS 'Whether the class enters the mIoU: it occurs in the labels, on both sides where there are two.';

CREATE OR REPLACE VIEW drop_by_value AS
SELECT r.run_id, e.attribute, e.value, e.position,
    coalesce(d.samples, 0) AS sources,
    c.miou AS clean_miou,
    d.miou AS edited_miou,
    100 * (c.miou - d.miou) AS drop_pp,
    (c.miou - d.miou) / nullif(c.miou, 0) AS relative_drop
FROM run AS r
JOIN edit AS e ON e.benchmark_digest = r.benchmark_digest
LEFT JOIN miou AS c ON c.run_id = r.run_id
    AND c.condition = e.attribute || '=' || e.value AND c.side = 'clean'
LEFT JOIN miou AS d ON d.run_id = r.run_id
    AND d.condition = e.attribute || '=' || e.value AND d.side = 'edited'
WHERE r.status = 'completed' AND r.run_id NOT IN (SELECT run_id FROM unpaired_run);
COMMENT ON VIEW drop_by_value IS 'The paired drop of each value, per completed run: sources with an accepted edit of the value against those edits.';
COMMENT ON COLUMN drop_by_value.run_id IS 'The run.';
COMMENT ON COLUMN drop_by_value.attribute IS 'The attribute.';
COMMENT ON COLUMN drop_by_value.value IS 'The value.';
COMMENT ON COLUMN drop_by_value.position IS 'The recipe''s order, from 0.';
COMMENT ON COLUMN drop_by_value.sources IS 'Number of sources with an accepted edit of the value.';
COMMENT ON COLUMN drop_by_value.clean_miou IS 'mIoU on those sources, under the filtered labels of those edits where they have one, ratio.';
COMMENT ON COLUMN drop_by_value.edited_miou IS 'mIoU on their edits, ratio.';
COMMENT ON COLUMN drop_by_value.drop_pp IS 'clean_miou - edited_miou, percentage points.';
COMMENT ON COLUMN drop_by_value.relative_drop IS '(clean_miou - edited_miou) / clean_miou, ratio.';

CREATE OR REPLACE VIEW drop_overall AS
WITH attributes AS (
    SELECT run_id, avg(edited_miou) AS edited_miou, avg(drop_pp) AS drop_pp
    FROM drop_by_attribute GROUP BY run_id
), accuracy AS (
    SELECT run_id, sum(tp) / nullif(sum(tp + fn), 0) AS pixel_accuracy
    FROM iou WHERE condition = 'clean' GROUP BY run_id
)
SELECT r.run_id, c.miou AS clean_miou, p.pixel_accuracy, a.edited_miou, a.drop_pp,
    a.drop_pp / 100 / nullif(c.miou, 0) AS relative_drop
FROM run AS r
LEFT JOIN miou AS c ON c.run_id = r.run_id AND c.condition = 'clean'
LEFT JOIN accuracy AS p ON p.run_id = r.run_id
LEFT JOIN attributes AS a ON a.run_id = r.run_id
WHERE r.status = 'completed' AND r.run_id NOT IN (SELECT run_id FROM unpaired_run);
COMMENT ON VIEW drop_overall IS 'Clean and edited mIoU and the overall drop, per completed run.';
COMMENT ON COLUMN drop_overall.run_id IS 'The run.';
COMMENT ON COLUMN drop_overall.clean_miou IS 'mIoU on all sources, ratio.';
COMMENT ON COLUMN drop_overall.pixel_accuracy IS 'Share of the sources'' labelled pixels predicted right.';
COMMENT ON COLUMN drop_overall.edited_miou IS 'Mean over attributes of their edited mIoU, ratio.';
COMMENT ON COLUMN drop_overall.drop_pp IS 'Mean over attributes of their drops, percentage points.';
COMMENT ON COLUMN drop_overall.relative_drop IS 'drop_pp / 100 / clean_miou, ratio.';
