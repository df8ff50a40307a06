// SPDX-License-Identifier: Apache-2.0
//
// Decompression of deflate and gzip streams by zlib. Included by CHalfspace.h.
// Unlike the kernels, a stream has state on the heap.
#ifndef CHALFSPACE_INFLATE_H
#define CHALFSPACE_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A stream that is being decompressed.
typedef struct hs_inflater hs_inflater_t;

/// What hs_inflater_run says.
typedef enum {
  HS_INFLATE_MORE = 0,    ///< give more input or more room
  HS_INFLATE_END = 1,     ///< the stream is complete and its checksum, if any, is right
  HS_INFLATE_DAMAGED = 2  ///< the input is no such stream
} hs_inflate_t;

/// A new stream: gzip with its header and checksum (gzip != 0), or bare deflate. NULL when there
/// is no memory. To be destroyed.
hs_inflater_t *hs_inflater_create(int gzip);
/// Frees a stream; NULL is allowed.
void hs_inflater_destroy(hs_inflater_t *stream);
/// Begins another stream of the same kind with what follows in the input.
void hs_inflater_restart(hs_inflater_t *stream);
/// Decompresses from `in` to `out` until one of them is used up or the stream ends; tells how
/// many bytes of each were used. Returns a hs_inflate_t.
int hs_inflater_run(hs_inflater_t *stream, ptrdiff_t count, const uint8_t *in, ptrdiff_t room,
                    ptrdiff_t *consumed, uint8_t *out, ptrdiff_t *produced);

/// The CRC-32 (that of gzip and zip) of `count` bytes that follow others with checksum `crc`; 0
/// before the first.
uint32_t hs_crc32(uint32_t crc, ptrdiff_t count, const uint8_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
