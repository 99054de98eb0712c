package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// quickPhoto is the quick text that sends a picture in place of words.
const quickPhoto = "(photo)"

// demoPhoto draws what a customer would photograph: the gauge of a boiler, with its
// needle somewhere in the red.
func demoPhoto() []byte {
	const w, h, cx, cy, r = 800, 600, 400, 300, 220
	needle := math.Pi * (1.05 + rand.Float64()*0.25)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(x-cx), float64(y-cy)
			d, a := math.Hypot(dx, dy), math.Mod(math.Atan2(dy, dx)+2*math.Pi, 2*math.Pi)
			c := color.RGBA{uint8(120 + x/20), uint8(130 + y/20), 140, 255} // the wall
			switch {
			case d < 16, d < r-50 && math.Abs(a-needle)*d < 7:
				c = color.RGBA{30, 34, 40, 255}
			case d < r-14 && d > r-34 && a > math.Pi && a < 1.3*math.Pi:
				c = color.RGBA{200, 50, 40, 255}
			case d < r-14 && d > r-34 && a > 1.3*math.Pi:
				c = color.RGBA{50, 150, 90, 255}
			case d < r:
				c = color.RGBA{244, 244, 240, 255}
			case d < r+20:
				c = color.RGBA{70, 76, 84, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // into memory, and of a size that a JPEG can have
	return b.Bytes()
}
