// SPDX-License-Identifier: Apache-2.0
@_exported public import HalfspaceIO
@_exported public import HalfspaceLinalg
@_exported public import HalfspaceNN
@_exported public import HalfspaceReporting
@_exported public import HalfspaceTheory
