// SPDX-License-Identifier: Apache-2.0
//
// Kernels of the index structures over moving rows: certified tiles and the partition tree. A part
// of CHalfspace.h, whose conventions hold here too; include that.
#ifndef CHALFSPACE_STRUCTURES_H
#define CHALFSPACE_STRUCTURES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------
// Certified tiles: a filter on 8-bit codes. Rows stand in tiles of HS_TILE_ROWS; a row w of a
// tile of scale s is approximated by s * k with integers |k| <= 127, kept as codes k + 128.
// Coordinates come in groups of four: the code of coordinate 4 g + i of row r of a tile is byte
// (g * HS_TILE_ROWS + r) * 4 + i of the tile, groups = ceil(d / 4), so that a tile is
// one stream of HS_TILE_ROWS * 4 * groups bytes. A query is approximated by t * q, integers q.
// All sums of codes are exact: callers see to it that 255 sum |q| < 2^31.
// ---------------------------------------------------------------------------------------

/// Rows of a tile.
#define HS_TILE_ROWS 64
/// Largest |q| of a query in one and in two planes.
#define HS_QUERY_LARGEST_8 127
#define HS_QUERY_LARGEST_16 32639
/// Largest |q| with which two products of a code and a number fit 16 bits: 255 * 2 * 64 < 2^15.
#define HS_QUERY_LARGEST_7 64
/// Groups of a part of a row. Within a part, products are added in 16 bits: those of the first two
/// coordinates of every group in one sum, those of the other two in another. Longer parts would be
/// widened less often, but sums of usual rows would leave 16 bits.
#define HS_TILE_PART 8

/// The largest finite |a[i]|, i < n; 0 where there is none.
float hs_largest_f32(ptrdiff_t n, const float *a);

/// Encodes n padded rows as rows slot..<slot + n <= HS_TILE_ROWS of a tile (`codes` is the tile).
///   v = w[l] * inverse; v = v > -127 ? v : -127; v = v < 127 ? v : 127;
///   k = (v + 1.5 2^23) - 1.5 2^23; code = k + 128      (in float; rounds to nearest, ties even)
/// residuals[r] = sum of squares of w[l] - scale * k, squares[r] = sum of squares of w[l], in
/// double, every operation rounded; the sums run over 16 lanes l % 16, folded as in hs_dot_f32.
/// NaN is encoded as -127. 4 * groups <= stride.
void hs_tile_encode_f32(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *w,
                        float scale, float inverse, ptrdiff_t slot, uint8_t *codes,
                        double *residuals, double *squares);

/// Encodes a query of 4 * groups <= stride coordinates (zeros behind them), as a row is encoded,
/// with |q| up to HS_QUERY_LARGEST_8, to `high`; or, where `low` is not NULL, up to
/// HS_QUERY_LARGEST_16 as q = 256 * high + low, low in -128...127. Returns the sum of squares of
/// x[l] - scale * q[l], in double as for rows; *sum = sum of q.
double hs_query_encode_f32(ptrdiff_t groups, ptrdiff_t stride, const float *x, float scale,
                           float inverse, int8_t *high, int8_t *low, int32_t *sum);

/// hs_query_encode_f32 for n padded queries x [n, stride]: with scales[i] and its inverse 1 / scales[i], to sums[i]
/// and residuals[i], and one after the other to high and low [n, 4 * groups].
void hs_queries_encode_f32(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *x,
                           const float *scales, int8_t *high, int8_t *low, int32_t *sums,
                           double *residuals);

/// What scales are chosen by: squares[i] = canonical <x, x> and largest[i] = hs_largest_f32 of row i of x [n, stride].
void hs_query_sizes_f32(ptrdiff_t n, ptrdiff_t stride, const float *x, float *squares,
                        float *largest);

/// The largest |q| of queries that hs_tile_filter_batch answers fastest at the level that was in use
/// when this was first asked. Every level answers every query.
int32_t hs_query_largest_of_batch(void);

/// What hs_tile_filter_batch knows of a query of 4 * groups numbers besides: starts[0] is
/// 128 sum q; starts[1 + p], for each part p < ceil(groups / HS_TILE_PART), holds -128 sum q
/// (modulo 2^16) over the first two coordinates of its groups in the lower 16 bits and over the
/// other two in the upper ones. Returns the span: the largest sum of q^2 over either half of any
/// part; INT32_MAX where some |q| > HS_QUERY_LARGEST_7.
int32_t hs_query_starts(ptrdiff_t groups, const int8_t *q, int32_t *starts);

/// The span of the rows slot..<slot + n of a tile, and of the others of the same sixteens: the
/// largest sum of k^2 over either half of any part of a row.
int32_t hs_tile_span(ptrdiff_t groups, const uint8_t *codes, ptrdiff_t slot, ptrdiff_t n);

/// Thresholds for sums of codes, thresholds[t * n + j] for tile t < count and query j < n; where
/// `list` is not NULL, for tile list[t]. A tile has four numbers, `tiles + 4 t`: error E, norm R,
/// inverse scale i, rest S; query j has six, queries[j], queries[n + j], ...: norm X, slack G,
/// inverse scale h, offset o, rest H, reach Y. In double, no fma:
///   v = (b - ((E * X + R * G) + S * H)) * (i * h) + o - 2;  v = v > -2^31 ? v : -2^31
///   threshold = v < 2^31 - 1 ? v, truncated : INT32_MAX
///   where R * (X + G) + S * H <= b: INT32_MAX
///   where NOT ((R + S) * Y <= largest): INT32_MIN, whatever else
/// Returns how many are INT32_MAX.
ptrdiff_t hs_tile_thresholds(ptrdiff_t count, const int32_t *list, ptrdiff_t n,
                             const double *tiles, const double *queries, double b,
                             double largest, int32_t *thresholds);

/// Filters the rows of `count` tiles for one query in two planes: of tile t (of tile list[t] where
/// `list` is not NULL) it keeps the rows with sum_l code[l] * q[l] > thresholds[t]. Rows are
/// positions in the tiles' order, those at m and behind it do not exist. Writes first + position,
/// or numbers[position] where `numbers` is not NULL (room for 64 * count + HS_LANES), and returns
/// how many. Rows of w [*, stride] are prefetched when they are kept, by position or by number;
/// w may be NULL: no prefetching.
ptrdiff_t hs_tile_filter_one(ptrdiff_t m, ptrdiff_t count, const int32_t *list, ptrdiff_t groups,
                             const uint8_t *codes, const int8_t *high, const int8_t *low,
                             const int32_t *thresholds, const int32_t *numbers, int32_t first,
                             ptrdiff_t stride, const float *w, int32_t *candidates);

/// What hs_tile_filter_batch expects to keep: rows here and there; most rows for some query; more
/// than one or two of every tile and query.
enum { HS_FEW_KEPT, HS_MANY_KEPT, HS_MOST_KEPT };

/// Filters all rows r < m of consecutive tiles for n queries in one plane, q [n, 4 * groups],
/// with thresholds[r / HS_TILE_ROWS * n + j]. `starts` of the queries follow each other; spans[t]
/// is at least the span of tile t, `span` at least that of every query. Where their product is at
/// most (2^15 - 1)^2, by Cauchy-Schwarz no half of a part of <k, q> leaves 16 bits, and sums modulo
/// 2^16 that begin at `starts` are exact; this is faster without VNNI. What is kept for query j is
/// appended to its list: first + r goes to candidates[j * capacity + counts[j]], and counts[j]
/// grows; room for m + 16 more in every list. `density` says how much is expected to be kept, which
/// decides nothing but the time. Where w [m, stride] is not NULL its rows are prefetched: those that
/// are kept where these are few, else all of them, tile by tile.
void hs_tile_filter_batch(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                          const int32_t *spans, ptrdiff_t n, const int8_t *q,
                          const int32_t *starts, int32_t span, const int32_t *thresholds,
                          int32_t first, ptrdiff_t stride, const float *w, int density,
                          ptrdiff_t capacity, int32_t *counts, int32_t *candidates);

/// Most queries of hs_tile_filter_pairs.
#define HS_PAIR_QUERIES 1024

/// Queries q [n, 4 * groups], n <= HS_PAIR_QUERIES, once more in the order in which the level that is in use
/// multiplies them by rows, if it has one for so many groups: for hs_tile_filter_pairs,
/// hs_tile_filter_word and hs_tile_pair_masks. Returns whether it has; `lanes` has room for 256 * groups * ceil(n / 64).
int hs_query_lanes(ptrdiff_t n, ptrdiff_t groups, const int8_t *q, int8_t *lanes);

/// As hs_tile_filter_batch, row by row: ids[i] = first + r and queries[i] = j for every pair that is
/// kept, in the order of rows, and for each row in the order of queries, n <= HS_PAIR_QUERIES. Returns
/// their number. Room for m * n + 16 in both arrays. `lanes` is what hs_query_lanes made of q, or NULL. Where w
/// is not NULL the first floats of rows with a pair are prefetched.
ptrdiff_t hs_tile_filter_pairs(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                               const int32_t *spans, ptrdiff_t n, const int8_t *q,
                               const int8_t *lanes, const int32_t *starts, int32_t span,
                               const int32_t *thresholds, int32_t first, ptrdiff_t stride,
                               const float *w, int32_t *ids, int32_t *queries);

/// What hs_tile_filter_pairs keeps, as bits: bit j of word k of row r, which is
/// masks[(r / 64 * words + k) * 64 + r % 64], is the pair of query 64 * k + j, k < (n + 63) / 64 <= words. Bits behind
/// the last query, and words of rows behind the last of the last tile, are zero. Returns the number of pairs.
ptrdiff_t hs_tile_pair_masks(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                             const int32_t *spans, ptrdiff_t n, const int8_t *q,
                             const int8_t *lanes, const int32_t *starts, int32_t span,
                             const int32_t *thresholds, ptrdiff_t words, uint64_t *masks);

/// Of `count` pairs of a row of w and a row of x, keeps those with canonical <w, x> > b, and
/// values[i] = <w, x> - b. Returns how many. Room for count + 16 in the last three arrays.
ptrdiff_t hs_recheck_pairs_f32(ptrdiff_t count, const int32_t *ids, const int32_t *queries,
                               ptrdiff_t stride, const float *w, const float *x, float b,
                               int32_t *fired_ids, int32_t *fired_queries, float *values);

/// Most queries, and most rows, of hs_tile_filter_word; pairs that may be written behind the last.
#define HS_WORD_QUERIES 64
#define HS_WORD_ROWS (1 << 16)
#define HS_WORD_OVERRUN 64

/// As hs_tile_filter_pairs for n <= HS_WORD_QUERIES queries and m <= HS_WORD_ROWS rows, in three bytes a pair:
/// rows[i] = r and queries[i] = j. Room for m * n + HS_WORD_OVERRUN in both arrays.
ptrdiff_t hs_tile_filter_word(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                              const int32_t *spans, ptrdiff_t n, const int8_t *q,
                              const int8_t *lanes, const int32_t *starts, int32_t span,
                              const int32_t *thresholds, ptrdiff_t stride, const float *w,
                              uint16_t *rows, uint8_t *queries);

/// As hs_recheck_pairs_f32 for such pairs: row 0 is the first of w, and `first` is added to the numbers of rows
/// that fire.
ptrdiff_t hs_recheck_word_f32(ptrdiff_t count, const uint16_t *rows, const uint8_t *queries,
                              int32_t first, ptrdiff_t stride, const float *w, const float *x,
                              float b, int32_t *fired_ids, int32_t *fired_queries, float *values);

/// The different numbers among `pairs` ascending ones, as in hs_transpose_report: active, and where each
/// begins; starts[n] = pairs. Returns n. Room for 16 more in both.
ptrdiff_t hs_group_pairs(ptrdiff_t pairs, const int32_t *ids, int32_t *active, int32_t *starts);

/// The reverse: owners[e] = active[k] for starts[k] <= e < starts[k + 1], k < n. Room for 16 more.
void hs_list_owners(ptrdiff_t n, const int32_t *active, const int32_t *starts, int32_t *owners);

/// Pairs sorted by row, sorted by query: query q gets entries offsets[q]..<offsets[q + 1] of ids and
/// values, q < queries, whose rows ascend.
void hs_pairs_by_query(ptrdiff_t queries, ptrdiff_t pairs, const int32_t *pair_ids,
                       const int32_t *pair_queries, const float *pair_values, ptrdiff_t *offsets,
                       int32_t *ids, float *values);

/// h[e] = canonical <row ids[e] of w, row rows[e] of x> - b for first <= e < last.
void hs_pair_dots_f32(ptrdiff_t first, ptrdiff_t last, const int32_t *ids, const int32_t *rows,
                      ptrdiff_t stride, const float *w, const float *x, float b, float *h);

/// Shards whose sums hs_forward_pairs_f32 lets grow in turns, which takes less time than one after the other.
#define HS_SHARDS_TOGETHER 2

// A shard that two threads have pairs of: 0 to begin with.
#define HS_SHARD_DONE 1     // all pairs of the first of them are in its sums
#define HS_SHARD_AWAITED 2  // they were not yet when the other came
// What hs_forward_pairs_f32 comes back with.
#define HS_SHARDS_FIRST_LEFT 1    // the first shard was not to be gone on with yet
#define HS_SHARDS_LAST_AWAITED 2  // somebody has come for the last one before it was done

/// Sparse forward, shard by shard, from pairs sorted by row and then by query: for k < shards, from sums of
/// +0 for every query,
///   sum[c] = fma(values[e], a[ids[e]][c], sum[c]) over first[k] <= e < first[k + 1] of the query, in order;
/// sums[k * plane + q * stride + c] = sum[c]. Rows of a have `stride` floats: 1, or a multiple of 16;
/// plane = queries * stride.
///
/// With `told`, which is a word that threads share, the last shard is summed first, and the word becomes
/// HS_SHARD_DONE. With `awaited`, the first shard goes on from the sums as they are, once the word is
/// HS_SHARD_DONE; if it never is, the shard is left. One shard cannot have both. Returns HS_SHARDS_... or 0.
int hs_forward_pairs_f32(ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids,
                         const int32_t *queries, const float *values, ptrdiff_t stride,
                         const float *a, ptrdiff_t plane, float *sums, int32_t *told,
                         const int32_t *awaited);

/// Says of a shard that it was left: 1 if it is HS_SHARD_DONE by now, and to be gone on with; 0 otherwise: then
/// whoever tells of it is told.
int hs_await_shard(int32_t *word);

/// Splits a padded query: rest = x - sum_j y[j] * basis[j], basis [k, stride], in double;
/// *squares = sum of squares of rest [d], *leak = sum over j of <basis[j], rest>^2. O(d k).
void hs_split_query_f64(ptrdiff_t k, ptrdiff_t d, ptrdiff_t stride, const float *basis,
                        const float *x, const float *y, double *rest, double *squares,
                        double *leak);

/// The largest of HS_TILE_ROWS numbers >= 0, infinity included.
float hs_largest_bound_f32(const float *bounds);

/// positions[i] = numbers[positions[i]], i < n.
void hs_numbers_of_positions(ptrdiff_t n, const int32_t *numbers, int32_t *positions);

// ---------------------------------------------------------------------------------------
// Partition tree. Rows are ordered so that rows close to each other are neighbors, and cut into
// tiles of 16; 16 tiles make a node of the next level, 16 of those one of the level above, and
// so on. The nodes of a level form groups of 16 siblings. A group holds, transposed,
//   center[d][16], half[d][16], radius[16]
// in (2 d + 1) * 16 floats; node l of a group is lane l of each. A tile holds its rows
// transposed, [d][16]; rows that do not exist are NaN. Every row w of a node satisfies
// |w_j - center_j| <= half_j and ||w - center|| <= radius, both widened: see hs_node_include_f32.
// Queries are padded rows; d > 0.
// ---------------------------------------------------------------------------------------

/// Tests the 16 nodes of each of `count` listed groups of a level with `nodes` nodes. With
///   s = fma chain over j ascending of center_j x_j, from +0
///   box = fma chain over j ascending of half_j |x_j|, from +0;  ball = radius * norm
///   width = box < ball ? box : ball
/// a node is discarded if s + width <= cutoff, goes to `whole` if s - width > inside, and to
/// `kept` otherwise, NaN included; both in the order of the groups, ascending within one. Both
/// need room for 16 * count + 16. Returns the number kept; *whole_count is set. Groups ahead are
/// prefetched.
ptrdiff_t hs_node_filter_f32(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                             const float *bounds, ptrdiff_t nodes, const float *x, float norm,
                             float cutoff, float inside, int32_t *kept, int32_t *whole,
                             ptrdiff_t *whole_count);

/// Decides the rows of `count` listed tiles by their canonical value (hs_dot_f32 of the row, with
/// +0 and -0 not told apart, which no report shows): writes numbers[16 * tile + lane] and the
/// value of those that fire, in the order of the tiles. ids and values need room for
/// 16 * count + 16. Tiles ahead are prefetched. Returns the number of reported rows.
ptrdiff_t hs_tile_report_f32(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                             const float *rows, const int32_t *numbers, const float *x, float b,
                             int32_t *ids, float *values);

/// Reorders order[0..<n], row numbers of W [*, stride], so that every node of a tree over them
/// holds rows that are close: recursively, the largest 16 * 2^k < n rows that are smallest in the
/// coordinate that varies most come first. keys [n] is scratch. The result depends on the set of
/// rows and, through sampling of the variance, on their order. O(n d log n).
void hs_partition_rows(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *w, int32_t *order,
                       uint64_t *keys);

/// Widens a node until it holds `row`: half_j to at least o_j + relative * (|center_j| + o_j),
/// o_j = |row_j - center_j|, and the radius to at least ||o|| + relative * (||center|| + ||o||),
/// all rounded up. A row that is not finite, or relative >= 1, makes half and radius NaN: such a
/// node is never discarded. `node` points to the node's lane of a group. Returns the radius that
/// the row needs. O(d).
float hs_node_include_f32(ptrdiff_t d, double relative, const float *row, float *node);

/// Sets a node to the center of the box of rows order[0..<n], then includes each of them.
void hs_node_cover_f32(ptrdiff_t n, ptrdiff_t d, double relative, ptrdiff_t stride,
                       const float *w, const int32_t *order, float *node);

/// Fills a tile with the rows order[0..<n], n <= 16, and NaN behind them.
void hs_tile_fill_f32(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *w,
                      const int32_t *order, float *tile);

/// Fewest and most pairs or numbers that are thrown into buckets, if the numbers are spread evenly.
#define HS_SORT_BUCKETS_FROM 25
#define HS_SORT_BUCKETS_TO (1 << 17)

/// Words of 64 bits that sorting n pairs or numbers needs: twice as many, or n / 10 and up to 8 more
/// buckets of 32 and half a word, and as many as run over the last.
static inline ptrdiff_t hs_sort_pairs_words(ptrdiff_t n) {
  return n <= HS_SORT_BUCKETS_TO ? n + (n / 10 + 9) * 65 / 2 : 2 * n;
}

/// Words of 64 bits that hs_sort_ids needs for numbers below m besides.
static inline ptrdiff_t hs_sort_ids_words(ptrdiff_t m) { return (m + 63) / 64 + (m + 4095) / 4096; }

/// Writes n numbers in ascending order, which are distinct and in 0..<m. `sorted` has room for n + 16;
/// bits [hs_sort_ids_words(m)] are zero, and zero again afterwards; scratch [hs_sort_pairs_words(n)],
/// aligned to 8 bytes. O(n + m / 4096).
void hs_sort_ids(ptrdiff_t n, ptrdiff_t m, const int32_t *ids, uint64_t *bits, uint64_t *scratch,
                 int32_t *sorted);

/// Writes n pairs in ascending order of their ids, which are distinct and in 0..<m, m <= 2^31.
/// scratch [hs_sort_pairs_words(n)], aligned to 8 bytes; the sorted arrays have room for n + 16.
/// O(n + sqrt(m)).
void hs_sort_pairs_f32(ptrdiff_t n, ptrdiff_t m, const int32_t *ids, const float *values,
                       uint64_t *scratch, int32_t *sorted_ids, float *sorted_values);

// ---------------------------------------------------------------------------------------
// Candidate lists: for every static query the rows that may fire on it, as long as no row moves
// farther from its reference than its limit. List i is ids[offsets[i]..<offsets[i + 1]], ascending.
// ---------------------------------------------------------------------------------------

/// Rows that have moved too far: writes, in order, every ids[k] with NOT (q <= limits[ids[k]]),
/// so that NaN counts as moved. q is the canonical inner product (hs_dot_f32) with itself of the
/// row of differences w[ids[k]][l] - reference[ids[k]][l], each one float subtraction. `moved`
/// needs room for n entries. Returns their number.
ptrdiff_t hs_moved_beyond_f32(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, const float *w,
                              const float *reference, const float *limits, int32_t *moved);

/// Copies lists first..<end to new ones without the ids r with dropped[r] != 0, and with additions put in
/// their places: list active_lists[a] (ascending) gets names[added[e]] for e in
/// starts[a]..<starts[a + 1], ascending names that it does not hold unless dropped. This is how
/// hs_transpose_report lists a report of the queries `names` over the lists. new_ids needs room
/// for one entry more than all old and added ones. new_offsets[i + 1] is where list i ends in it. Returns the
/// number of entries of the new lists.
ptrdiff_t hs_merge_lists(ptrdiff_t first, ptrdiff_t end, const ptrdiff_t *offsets, const int32_t *ids,
                         const uint8_t *dropped, ptrdiff_t active, const int32_t *active_lists,
                         const int32_t *starts, const int32_t *added, const int32_t *names,
                         ptrdiff_t *new_offsets, int32_t *new_ids);

/// Asks for the memory of some lists, ids[offsets[lists[k]]..<offsets[lists[k] + 1]], so that it is near
/// when it is needed: they are short and lie anywhere.
void hs_fetch_lists(ptrdiff_t n, const ptrdiff_t *lists, const ptrdiff_t *offsets,
                    const int32_t *ids);

/// Where the entries first..<end of some lists are: those of list lists[k] are
/// ids[begins[k]]..<ids[ends[k]]. Returns their number. O(n log(entries of a list)).
ptrdiff_t hs_find_entries(ptrdiff_t n, const ptrdiff_t *lists, const ptrdiff_t *offsets,
                          const int32_t *ids, int32_t first, int32_t end, ptrdiff_t *begins,
                          ptrdiff_t *ends);

/// Words of hs_list_candidates.
#define HS_LIST_WORDS 8192

/// Transposes parts of n lists, ids[begins[k]]..<ids[ends[k]], whose entries ascend and are in
/// first..<first + count. The ids `whole`, ascending, of the same range are listed as if each list had them.
/// The ids coded[coded_first]..<coded[coded_end], ascending, of the same range are in those lists alone that
/// coded_masks tell, as hs_tile_pair_masks writes them for all of `coded` and (n + 63) / 64 words. Pair e,
/// ascending by owner and then by list, is
/// owners[e] and rows[e] (the list's k); room for 16 more. begins become ends. The masks, HS_LIST_WORDS or
/// 64 * ((n + 63) / 64) if these are more, are zero before and after. Returns the number of pairs.
/// O(entries + (whole_count + coded_end - coded_first + count) n / 64).
ptrdiff_t hs_list_candidates(ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                             const int32_t *ids, int32_t first, ptrdiff_t count,
                             ptrdiff_t whole_count, const int32_t *whole, ptrdiff_t coded_first,
                             ptrdiff_t coded_end, const int32_t *coded,
                             const uint64_t *coded_masks, uint64_t *masks, int32_t *owners,
                             int32_t *rows);

/// Lists the places of those of n rows that have one, places[ids[k]] >= 0, in order, and their lengths[k] unless
/// `lengths` is NULL. Returns their number. Room for n + HS_LANES in `found` and `found_lengths`.
ptrdiff_t hs_places_of_rows(ptrdiff_t n, const int32_t *ids, const int32_t *places,
                            const float *lengths, int32_t *found, float *found_lengths);

/// Merges two lists of pairs, each strictly ascending by id, into one; of an id that both have, the
/// pair of the first is taken. Room for n1 + n2. Returns the number of pairs.
ptrdiff_t hs_merge_pairs_f32(ptrdiff_t n1, const int32_t *ids1, const float *values1,
                             ptrdiff_t n2, const int32_t *ids2, const float *values2,
                             int32_t *ids, float *values);

/// Adds to spent[ids[k]], rounded up, what row ids[k] has moved at most, and writes, in order, every
/// ids[k] with NOT (spent <= allowances[ids[k]]). `over` needs room for n entries. Returns their
/// number.
ptrdiff_t hs_spend_f32(ptrdiff_t n, const int32_t *ids, const float *bounds, float *spent,
                       const float *allowances, int32_t *over);

/// The largest square sum of m rows, within a relative error of stride 2^-23 and an absolute one of
/// stride 2^-148; NaN or infinite where an element is, or where squares overflow.
float hs_largest_square_f32(ptrdiff_t m, ptrdiff_t stride, const float *w);

#ifdef __cplusplus
}
#endif

#endif
