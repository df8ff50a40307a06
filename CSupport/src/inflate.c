// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "CHalfspaceInflate.h"

struct hs_inflater {
  z_stream stream;
};

// zlib counts in unsigned int.
static uInt clipped(ptrdiff_t count) { return count > INT_MAX ? INT_MAX : (uInt)count; }

hs_inflater_t *hs_inflater_create(int gzip) {
  hs_inflater_t *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  // 15: the largest window; +16: gzip; negative: neither header nor checksum.
  if (inflateInit2(&self->stream, gzip ? 15 + 16 : -15) != Z_OK) {
    free(self);
    return NULL;
  }
  return self;
}

void hs_inflater_destroy(hs_inflater_t *self) {
  if (self == NULL) return;
  inflateEnd(&self->stream);
  free(self);
}

void hs_inflater_restart(hs_inflater_t *self) { inflateReset(&self->stream); }

int hs_inflater_run(hs_inflater_t *self, ptrdiff_t count, const uint8_t *in, ptrdiff_t room,
                    ptrdiff_t *consumed, uint8_t *out, ptrdiff_t *produced) {
  z_stream *stream = &self->stream;
  const uInt given = clipped(count), free_room = clipped(room);
  // zlib does not write to its input; the cast is for versions without z_const.
  stream->next_in = (Bytef *)in;
  stream->avail_in = given;
  stream->next_out = out;
  stream->avail_out = free_room;
  const int status = inflate(stream, Z_NO_FLUSH);
  *consumed = given - stream->avail_in;
  *produced = free_room - stream->avail_out;
  // Z_BUF_ERROR: no progress was possible, which is no damage.
  if (status == Z_STREAM_END) return HS_INFLATE_END;
  return status == Z_OK || status == Z_BUF_ERROR ? HS_INFLATE_MORE : HS_INFLATE_DAMAGED;
}

uint32_t hs_crc32(uint32_t crc, ptrdiff_t count, const uint8_t *bytes) {
  while (count > 0) {
    const uInt part = clipped(count);
    crc = (uint32_t)crc32(crc, bytes, part);
    bytes += part;
    count -= part;
  }
  return crc;
}
