import Datasets
import Foundation
import Tensors

extension Report {
  /// Adds maps of one quantity with one scale of colours; see `Chart.maps`.
  ///
  /// - Throws: `TensorError.wrongShape` where a map is no matrix.
  public mutating func maps(
    _ title: String, x: Chart.Axis, y: Chart.Axis, _ maps: [(name: String, values: Tensor<Float>)],
    colour: Chart.Axis = Chart.Axis(""), palette: Chart.Palette = .sequential, columns: ClosedRange<Double>? = nil,
    rows: ClosedRange<Double>? = nil, equalAspect: Bool = true
  ) throws {
    charts.append(
      try .maps(
        title, x: x, y: y, maps, colour: colour, palette: palette, columns: columns, rows: rows,
        equalAspect: equalAspect))
  }

  /// Adds paths over a vector field; see `Chart.phasePortrait`.
  public mutating func phasePortrait(
    _ title: String, x: Chart.Axis, y: Chart.Axis, _ paths: [(name: String, x: [Double], y: [Double])],
    field: Chart.VectorField? = nil, speed: Chart.Axis = Chart.Axis("speed"), equalAspect: Bool = true
  ) {
    charts.append(
      .phasePortrait(title, x: x, y: y, paths, field: field, speed: speed, equalAspect: equalAspect))
  }

  /// Adds a chart that moves; all frames have the same ranges. It is drawn when the page is made.
  ///
  /// - Parameters:
  ///   - frames: the panels at successive times, as many in each.
  ///   - still: number of the frame that is printed, from 0; the last where nothing is said.
  ///   - secondsPerFrame: how long each is shown, in seconds.
  public mutating func animation(
    _ title: String, frames: [[Chart.Panel]], still: Int? = nil, secondsPerFrame: Double = 0.1
  ) {
    charts.append(Chart(title, frames: frames, still: still, secondsPerFrame: secondsPerFrame))
  }

  /// Adds pictures that follow each other.
  ///
  /// - Parameters:
  ///   - frames: one or more pictures of one shape, `[height, width]` or `[channels, height, width]`, from 0 to 1.
  ///   - still: number of the picture that is printed, from 0; the last where nothing is said.
  ///   - secondsPerFrame: how long each is shown, in seconds.
  ///   - enlarged: how many dots a pixel is wide and high.
  /// - Throws: `TensorError` where a frame is no picture; `DataError` where frames do not fit together.
  public mutating func animation(
    _ title: String, _ frames: [Tensor<Float>], still: Int? = nil, secondsPerFrame: Double = 0.1, enlarged: Int = 1
  ) throws {
    let pictures = try frames.map { try Image.png(Image.enlarged($0, by: enlarged)) }
    var picture = Picture(title: title, png: try Image.animated(pictures, secondsPerFrame: secondsPerFrame))
    picture.still = still.flatMap { pictures.indices.contains($0) ? pictures[$0] : nil } ?? pictures.last
    self.pictures.append(picture)
  }

  /// Adds pictures, each with a line below it.
  ///
  /// - Parameters:
  ///   - images: pictures `[height, width]` or `[channels, height, width]`, from 0 to 1, of any size.
  ///   - enlarged: how many dots a pixel is wide and high.
  /// - Throws: `TensorError` where one is no picture.
  public mutating func images(
    _ title: String, _ images: [(caption: String, picture: Tensor<Float>)], enlarged: Int = 1
  ) throws {
    let parts = try images.map {
      Picture(title: $0.caption, png: try Image.png(Image.enlarged($0.picture, by: enlarged)))
    }
    guard let first = parts.first else { return }
    var picture = Picture(title: title, png: first.png)
    picture.parts = parts
    pictures.append(picture)
  }

  /// Adds small pictures in rows as a chart, each with a line below it, so that they can be drawn in any format; see
  /// `Chart.Panel.init(_:exhibits:note:)`.
  ///
  /// - Parameters:
  ///   - exhibits: pictures from 0 to 1 with their lines; marked ones have the colour of what is wrong.
  ///   - note: what the lines mean.
  /// - Throws: `TensorError.wrongShape` where one is no grey or coloured picture.
  public mutating func exhibits(
    _ title: String, _ exhibits: [(caption: String, picture: Tensor<Float>, isMarked: Bool)], note: String = ""
  ) throws {
    let list = try exhibits.map { try Chart.Exhibit($0.picture, caption: $0.caption, isMarked: $0.isMarked) }
    charts.append(Chart(title, panels: [Chart.Panel(exhibits: list, note: note)]))
  }

  /// Adds many pictures of one size as one; see `Image.contactSheet`.
  ///
  /// - Parameters:
  ///   - pictures: one or more, all `[height, width]` or all `[channels, height, width]`, from 0 to 1.
  ///   - columns: pictures in a row, 1 or more.
  ///   - enlarged: how many dots a pixel is wide and high.
  /// - Throws: `TensorError` where they differ in shape or are no pictures.
  public mutating func contactSheet(
    _ title: String, _ pictures: [Tensor<Float>], columns: Int, enlarged: Int = 1
  ) throws {
    let large = try pictures.map { try Image.enlarged($0, by: enlarged) }
    self.pictures.append(Picture(title: title, png: try Image.png(Image.contactSheet(large, columns: columns))))
  }
}
