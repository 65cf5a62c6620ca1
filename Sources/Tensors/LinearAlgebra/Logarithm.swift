import Foundation

func _logarithm(_ x: Double) -> Double { Foundation.log(x) }
