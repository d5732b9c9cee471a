-- Every published number with one SELECT. mIoU and IoU are ratios, drops percentage points;
-- what is not defined is NULL. Definitions: DESIGN.md, "Scores". The intervals are not here:
-- they come from the bootstrap (`harness rank`).

CREATE VIEW condition_sample AS
WITH scored AS (
    SELECT * FROM sample WHERE accepted
), pair AS (
    SELECT e.benchmark_digest, e.attribute, e.value, s.sample_id AS source, e.sample_id AS edited
    FROM scored AS e
    JOIN scored AS s ON s.benchmark_digest = e.benchmark_digest AND s.sample_id = e.source_id
    WHERE e.attribute IS NOT NULL
)
SELECT benchmark_digest, 'clean' AS condition, NULL AS attribute, NULL AS value, 'clean' AS side,
    sample_id
FROM scored WHERE attribute IS NULL
UNION ALL
SELECT benchmark_digest, attribute || '=' || value, attribute, value, 'clean', source FROM pair
UNION ALL
SELECT benchmark_digest, attribute || '=' || value, attribute, value, 'edited', edited FROM pair;
COMMENT ON VIEW condition_sample IS 'Which samples each condition pools. Condition clean: all sources. Condition attribute=value: side edited has the accepted edits, side clean their own sources.';
COMMENT ON COLUMN condition_sample.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN condition_sample.condition IS 'clean, or attribute=value.';
COMMENT ON COLUMN condition_sample.attribute IS 'The attribute; NULL for clean.';
COMMENT ON COLUMN condition_sample.value IS 'The value; NULL for clean.';
COMMENT ON COLUMN condition_sample.side IS 'clean or edited.';
COMMENT ON COLUMN condition_sample.sample_id IS 'The sample.';

CREATE VIEW iou AS
WITH pooled AS (
    SELECT r.run_id, c.condition, c.attribute, c.value, c.side, n.class_id, l.name AS class_name,
        CAST(sum(n.tp) AS BIGINT) AS tp,
        CAST(sum(n.fp) AS BIGINT) AS fp,
        CAST(sum(n.fn) AS BIGINT) AS fn
    FROM run AS r
    JOIN condition_sample AS c ON c.benchmark_digest = r.benchmark_digest
    JOIN class_count AS n ON n.run_id = r.run_id AND n.sample_id = c.sample_id
    JOIN label_class AS l ON l.benchmark_digest = r.benchmark_digest AND l.class_id = n.class_id
    WHERE r.status = 'completed'
    GROUP BY r.run_id, c.condition, c.attribute, c.value, c.side, n.class_id, l.name
)
SELECT *,
    tp / nullif(tp + fp + fn, 0) AS iou,
    sum(CAST(tp + fn > 0 AS INTEGER)) OVER (PARTITION BY run_id, condition, class_id)
        = CASE WHEN condition = 'clean' THEN 1 ELSE 2 END AS averaged
FROM pooled;
COMMENT ON VIEW iou IS 'IoU per completed run, condition, side and class, with the pooled counts.';
COMMENT ON COLUMN iou.run_id IS 'The run.';
COMMENT ON COLUMN iou.condition IS 'clean, or attribute=value.';
COMMENT ON COLUMN iou.attribute IS 'The attribute; NULL for clean.';
COMMENT ON COLUMN iou.value IS 'The value; NULL for clean.';
COMMENT ON COLUMN iou.side IS 'clean: the sources; edited: their edits.';
COMMENT ON COLUMN iou.class_id IS 'The class.';
COMMENT ON COLUMN iou.class_name IS 'The name of the class.';
COMMENT ON COLUMN iou.tp IS 'True positive pixels, summed over the samples.';
COMMENT ON COLUMN iou.fp IS 'False positive pixels.';
COMMENT ON COLUMN iou.fn IS 'False negative pixels.';
COMMENT ON COLUMN iou.iou IS 'tp / (tp + fp + fn), ratio.';
COMMENT ON COLUMN iou.averaged IS 'Whether the class enters the mIoU: it occurs in the labels, on both sides where there are two.';

CREATE VIEW miou AS
WITH sized AS (
    SELECT benchmark_digest, condition, side, count(*) AS samples
    FROM condition_sample GROUP BY benchmark_digest, condition, side
)
SELECT i.run_id, i.condition, i.attribute, i.value, i.side,
    any_value(s.samples) AS samples,
    count(*) FILTER (WHERE i.averaged) AS classes,
    avg(i.iou) FILTER (WHERE i.averaged) AS miou
FROM iou AS i
JOIN run AS r ON r.run_id = i.run_id
JOIN sized AS s ON s.benchmark_digest = r.benchmark_digest
    AND s.condition = i.condition AND s.side = i.side
GROUP BY i.run_id, i.condition, i.attribute, i.value, i.side;
COMMENT ON VIEW miou IS 'mIoU per completed run, condition and side.';
COMMENT ON COLUMN miou.run_id IS 'The run.';
COMMENT ON COLUMN miou.condition IS 'clean, or attribute=value.';
COMMENT ON COLUMN miou.attribute IS 'The attribute; NULL for clean.';
COMMENT ON COLUMN miou.value IS 'The value; NULL for clean.';
COMMENT ON COLUMN miou.side IS 'clean: the sources; edited: their edits.';
COMMENT ON COLUMN miou.samples IS 'Number of samples pooled.';
COMMENT ON COLUMN miou.classes IS 'Number of classes averaged.';
COMMENT ON COLUMN miou.miou IS 'Mean over the averaged classes of the pooled IoU, ratio.';

CREATE VIEW drop_by_value AS
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
WHERE r.status = 'completed';
COMMENT ON VIEW drop_by_value IS 'The paired drop of each value, per completed run: sources with an accepted edit of the value against those edits.';
COMMENT ON COLUMN drop_by_value.run_id IS 'The run.';
COMMENT ON COLUMN drop_by_value.attribute IS 'The attribute.';
COMMENT ON COLUMN drop_by_value.value IS 'The value.';
COMMENT ON COLUMN drop_by_value.position IS 'The recipe''s order, from 0.';
COMMENT ON COLUMN drop_by_value.sources IS 'Number of sources with an accepted edit of the value.';
COMMENT ON COLUMN drop_by_value.clean_miou IS 'mIoU on those sources, ratio.';
COMMENT ON COLUMN drop_by_value.edited_miou IS 'mIoU on their edits, ratio.';
COMMENT ON COLUMN drop_by_value.drop_pp IS 'clean_miou - edited_miou, percentage points.';
COMMENT ON COLUMN drop_by_value.relative_drop IS '(clean_miou - edited_miou) / clean_miou, ratio.';

CREATE VIEW drop_by_attribute AS
SELECT run_id, attribute, min(position) AS position,
    avg(clean_miou) AS clean_miou,
    avg(edited_miou) AS edited_miou,
    avg(drop_pp) AS drop_pp
FROM drop_by_value GROUP BY run_id, attribute;
COMMENT ON VIEW drop_by_attribute IS 'The drop of each attribute, per completed run: means over its values.';
COMMENT ON COLUMN drop_by_attribute.run_id IS 'The run.';
COMMENT ON COLUMN drop_by_attribute.attribute IS 'The attribute.';
COMMENT ON COLUMN drop_by_attribute.position IS 'The recipe''s order.';
COMMENT ON COLUMN drop_by_attribute.clean_miou IS 'Mean of the values'' clean mIoU, ratio.';
COMMENT ON COLUMN drop_by_attribute.edited_miou IS 'Mean of the values'' edited mIoU, ratio.';
COMMENT ON COLUMN drop_by_attribute.drop_pp IS 'Mean of the values'' drops, percentage points.';

CREATE VIEW drop_overall AS
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
WHERE r.status = 'completed';
COMMENT ON VIEW drop_overall IS 'Clean and edited mIoU and the overall drop, per completed run.';
COMMENT ON COLUMN drop_overall.run_id IS 'The run.';
COMMENT ON COLUMN drop_overall.clean_miou IS 'mIoU on all sources, ratio.';
COMMENT ON COLUMN drop_overall.pixel_accuracy IS 'Share of the sources'' labelled pixels predicted right.';
COMMENT ON COLUMN drop_overall.edited_miou IS 'Mean over attributes of their edited mIoU, ratio.';
COMMENT ON COLUMN drop_overall.drop_pp IS 'Mean over attributes of their drops, percentage points.';
COMMENT ON COLUMN drop_overall.relative_drop IS 'drop_pp / 100 / clean_miou, ratio.';

CREATE VIEW scored_run AS
SELECT r.run_id, r.benchmark_digest, b.name AS benchmark, r.submission, r.finished_at,
    coalesce(d.clean_miou >= b.qualifying_miou, FALSE) AS qualified
FROM run AS r
JOIN benchmark AS b ON b.digest = r.benchmark_digest
JOIN drop_overall AS d ON d.run_id = r.run_id
QUALIFY row_number() OVER (
    PARTITION BY r.benchmark_digest, r.submission ORDER BY r.finished_at DESC, r.run_id DESC
) = 1;
COMMENT ON VIEW scored_run IS 'The latest completed run of each submission on each benchmark: the one a board shows.';
COMMENT ON COLUMN scored_run.run_id IS 'The run.';
COMMENT ON COLUMN scored_run.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN scored_run.benchmark IS 'The name of the benchmark.';
COMMENT ON COLUMN scored_run.submission IS 'The name of the submission.';
COMMENT ON COLUMN scored_run.finished_at IS 'When the run ended, UTC.';
COMMENT ON COLUMN scored_run.qualified IS 'Whether the clean mIoU reaches the qualifying mIoU; else it is listed, not ranked.';

-- Drops are rounded to 9 digits before ranking: sums of floats in another order are no difference.
CREATE VIEW rank_by_attribute AS
SELECT s.benchmark, s.benchmark_digest, d.attribute, d.position,
    CASE WHEN s.qualified AND d.drop_pp IS NOT NULL THEN rank() OVER (
        PARTITION BY s.benchmark_digest, d.attribute, s.qualified
        ORDER BY round(d.drop_pp, 9) NULLS LAST
    ) END AS rank,
    s.submission, s.run_id, s.qualified, d.clean_miou, d.edited_miou, d.drop_pp
FROM scored_run AS s
JOIN drop_by_attribute AS d ON d.run_id = s.run_id;
COMMENT ON VIEW rank_by_attribute IS 'Submissions by the drop of each attribute.';
COMMENT ON COLUMN rank_by_attribute.benchmark IS 'The name of the benchmark.';
COMMENT ON COLUMN rank_by_attribute.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN rank_by_attribute.attribute IS 'The attribute.';
COMMENT ON COLUMN rank_by_attribute.position IS 'The recipe''s order.';
COMMENT ON COLUMN rank_by_attribute.rank IS 'Rank among the qualified, 1 is the smallest drop; ties share the smaller rank; NULL where not ranked.';
COMMENT ON COLUMN rank_by_attribute.submission IS 'The name of the submission.';
COMMENT ON COLUMN rank_by_attribute.run_id IS 'The run that is scored.';
COMMENT ON COLUMN rank_by_attribute.qualified IS 'Whether the submission is ranked.';
COMMENT ON COLUMN rank_by_attribute.clean_miou IS 'Mean of the values'' clean mIoU, ratio.';
COMMENT ON COLUMN rank_by_attribute.edited_miou IS 'Mean of the values'' edited mIoU, ratio.';
COMMENT ON COLUMN rank_by_attribute.drop_pp IS 'The drop of the attribute, percentage points.';

CREATE VIEW rank_overall AS
SELECT s.benchmark, s.benchmark_digest,
    CASE WHEN s.qualified AND d.drop_pp IS NOT NULL THEN rank() OVER (
        PARTITION BY s.benchmark_digest, s.qualified ORDER BY round(d.drop_pp, 9) NULLS LAST
    ) END AS rank,
    s.submission, s.run_id, s.qualified,
    d.clean_miou, d.edited_miou, d.drop_pp, d.relative_drop, d.pixel_accuracy
FROM scored_run AS s
JOIN drop_overall AS d ON d.run_id = s.run_id;
COMMENT ON VIEW rank_overall IS 'Submissions by overall drop: SELECT * FROM rank_overall WHERE benchmark = ''mini'' ORDER BY rank NULLS LAST.';
COMMENT ON COLUMN rank_overall.benchmark IS 'The name of the benchmark.';
COMMENT ON COLUMN rank_overall.benchmark_digest IS 'The benchmark.';
COMMENT ON COLUMN rank_overall.rank IS 'Rank among the qualified, 1 is the smallest drop; ties share the smaller rank; NULL where not ranked.';
COMMENT ON COLUMN rank_overall.submission IS 'The name of the submission.';
COMMENT ON COLUMN rank_overall.run_id IS 'The run that is scored.';
COMMENT ON COLUMN rank_overall.qualified IS 'Whether the submission is ranked.';
COMMENT ON COLUMN rank_overall.clean_miou IS 'mIoU on all sources, ratio.';
COMMENT ON COLUMN rank_overall.edited_miou IS 'Mean over attributes of their edited mIoU, ratio.';
COMMENT ON COLUMN rank_overall.drop_pp IS 'The overall drop, percentage points.';
COMMENT ON COLUMN rank_overall.relative_drop IS 'drop_pp / 100 / clean_miou, ratio.';
COMMENT ON COLUMN rank_overall.pixel_accuracy IS 'Share of the sources'' labelled pixels predicted right.';
