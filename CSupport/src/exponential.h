// SPDX-License-Identifier: Apache-2.0
//
// Constants of the exponential function, shared by its scalar definition and its vector forms.
//
// exp(x) = 2^n * e^r with n = x / ln 2 rounded to an integer and |r| <= ln 2 / 2 (a little more
// where the quotient was rounded). ln 2 is split into HS_LN2_HIGH, whose product with n is
// exact, and HS_LN2_LOW. e^r is 1 + r + r^2 p(r) with a polynomial p of degree 4, fitted for the
// least relative error of the whole (4e-9, far below the rounding of its evaluation). 2^n is
// applied as two factors, so that results below the smallest normal number round once.
#ifndef HS_EXPONENTIAL_H
#define HS_EXPONENTIAL_H

#define HS_EXP_LOWEST -104.0f   // e^x is below half of the smallest denormal number
#define HS_EXP_HIGHEST 89.0f    // e^x is above the largest number
#define HS_LOG2_E 1.44269504088896341f
#define HS_ROUNDER 12582912.0f  // 1.5 * 2^23: adding it rounds to an integer
#define HS_LN2_HIGH 0.693359375f
#define HS_LN2_LOW -2.12194440e-4f
#define HS_EXP_P0 0.49999994f
#define HS_EXP_P1 0.166665196f
#define HS_EXP_P2 0.0416683964f
#define HS_EXP_P3 0.00836879667f
#define HS_EXP_P4 0.001381443f

#endif
