// SPDX-License-Identifier: Apache-2.0
internal import HalfspaceNN

extension Dataset {
  /// `name`, or the target that the files tell.
  ///
  /// - Throws: `ConfigurationError` when neither says what to predict.
  public func requireTarget(_ name: String?, of columns: [String]) throws -> String {
    if let name = name ?? targetName { return name }
    throw ConfigurationError.invalid(
      "\(self.name) does not tell what to predict; --target names the column, one of "
        + columns.prefix(20).joined(separator: ", ") + (columns.count > 20 ? ", ..." : ""))
  }
}
