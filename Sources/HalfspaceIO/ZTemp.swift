extension TabularModel {
  public init(contentsOf path: String) throws { fatalError() }
  public func save(to path: String) throws {}
}
extension AtomicFile { public static func checkWritable(_ p: String) throws {} }
