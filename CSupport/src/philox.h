// SPDX-License-Identifier: Apache-2.0
//
// Constants of Philox 4x32-10.
#ifndef HS_PHILOX_H
#define HS_PHILOX_H

#define HS_PHILOX_ROUNDS 10
#define HS_PHILOX_M0 0xD2511F53u
#define HS_PHILOX_M1 0xCD9E8D57u
#define HS_PHILOX_W0 0x9E3779B9u
#define HS_PHILOX_W1 0xBB67AE85u

#endif
