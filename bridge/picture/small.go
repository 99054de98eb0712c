package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// ThumbSide is the longer side of a thumbnail, in pixels: two for each of the
	// 240 that it takes on a page.
	ThumbSide = 480
	// maxMemory is what one picture may take while it is decoded, allMemory what
	// all together may, in bytes. 50 million pixels of a photo take 150 MB.
	maxMemory = 200 << 20
	allMemory = 256 << 20
)

// A Darkroom makes small pictures, as many at once as the memory of allMemory
// has room for.
type Darkroom struct{ room *semaphore.Weighted }

// NewDarkroom makes one; a program has one.
func NewDarkroom() *Darkroom { return &Darkroom{semaphore.NewWeighted(allMemory)} }

// config reads the head of a picture; nothing of its size is allocated.
func config(r io.ReadSeeker, typ string) (cfg image.Config, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return cfg, err
	}
	switch typ {
	case "jpg":
		cfg, err = jpeg.DecodeConfig(r)
	case "png":
		cfg, err = png.DecodeConfig(r)
	case "gif":
		cfg, err = gif.DecodeConfig(r)
	case "webp":
		cfg, err = webp.DecodeConfig(r)
	default:
		return cfg, ErrNotDecoded
	}
	switch {
	case err != nil:
		return cfg, fmt.Errorf("%w: %w", ErrBroken, err)
	case cfg.Width <= 0 || cfg.Height <= 0:
		return cfg, ErrBroken
	case int64(cfg.Width)*int64(cfg.Height) > MaxPixels:
		return cfg, ErrTooManyPixels
	}
	return cfg, nil
}

// facts are the turn of a picture, and whether it is a progressive JPEG.
func facts(r io.ReadSeeker, typ string) (turn int, progressive bool, err error) {
	if typ != "jpg" {
		return 1, false, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 1, false, err
	}
	turn, progressive = jpegFacts(r)
	return turn, progressive, nil
}

// Measure gives width and height as people see them, and refuses what is broken at
// its beginning or has more than MaxPixels.
func Measure(r io.ReadSeeker, typ string) (width, height int, err error) {
	cfg, err := config(r, typ)
	if err != nil {
		return 0, 0, err
	}
	turn, _, err := facts(r, typ)
	if turn > 4 {
		cfg.Width, cfg.Height = cfg.Height, cfg.Width
	}
	return cfg.Width, cfg.Height, err
}

// memory is what decoding takes, in bytes.
func memory(cfg image.Config, progressive bool) int64 {
	each := int64(4)
	switch cfg.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.NYCbCrAModel: // WebP unpacks what is transparent apart
		each = 8
	case color.YCbCrModel:
		each = 3
	case color.GrayModel:
		each = 1
	}
	if progressive {
		each += 12
	}
	return int64(cfg.Width) * int64(cfg.Height) * each
}

// A Picture is a decoded one, which keeps its room in the Darkroom until Close.
type Picture struct {
	img   image.Image
	turn  int
	close func()
}

// Open decodes a picture, its first frame if there are several, when there is room.
func (d *Darkroom) Open(ctx context.Context, r io.ReadSeeker, typ string) (*Picture, error) {
	cfg, err := config(r, typ)
	if err != nil {
		return nil, err
	}
	turn, progressive, err := facts(r, typ)
	if err != nil {
		return nil, err
	}
	need := memory(cfg, progressive)
	if need > maxMemory {
		return nil, ErrNotDecoded
	}
	need = min(need+int64(cfg.Width)*int64(cfg.Height), allMemory) // half as long and wide, at four bytes
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := d.room.Acquire(ctx, need); err != nil {
		return nil, err
	}
	img, err := decode(r, typ)
	if err != nil {
		d.room.Release(need)
		return nil, fmt.Errorf("%w: %w", ErrNotDecoded, err)
	}
	return &Picture{img, turn, func() { d.room.Release(need) }}, nil
}

func decode(r io.Reader, typ string) (image.Image, error) {
	switch typ {
	case "jpg":
		return jpeg.Decode(r)
	case "png":
		return png.Decode(r)
	case "gif":
		return gif.Decode(r)
	case "webp":
		return webp.Decode(r)
	}
	return nil, errors.New("no picture")
}

// Close gives the room back.
func (p *Picture) Close() { p.img = nil; p.close() }

// Thumb is a JPEG of at most ThumbSide pixels a side, turned as it should stand.
func (p *Picture) Thumb() ([]byte, error) { return encode(scaled(p.img, ThumbSide, p.turn), 80) }

// steps are sides and qualities to try one after the other.
var steps = []struct{ side, quality int }{{2048, 82}, {1600, 80}, {1280, 78}, {1024, 74}, {800, 70}, {640, 60}, {480, 50}, {320, 40}}

// Shrink is a JPEG of at most limit bytes, the largest that fits, turned as it
// should stand.
func (p *Picture) Shrink(limit int) ([]byte, error) {
	from, turn := p.img, p.turn
	for i, s := range steps {
		small := scaled(from, s.side, turn)
		if i == 0 {
			from, turn = small, 1 // the next ones are made of this one, which stands upright
		}
		b, err := encode(small, s.quality)
		if err != nil || len(b) <= limit {
			return b, err
		}
	}
	return nil, ErrNotDecoded
}

// scaled draws an image on white, at most side pixels long, turned. It is halved until
// it is less than twice as long: each half is the mean of four pixels. A better filter
// keeps 32 bytes for each row and column between: 300 MB for what a phone's camera makes.
func scaled(src image.Image, side, turn int) image.Image {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > side {
		w, h = max(w*side/long, 1), max(h*side/long, 1)
	}
	for b.Dx() >= 2*w && b.Dy() >= 2*h && max(b.Dx(), b.Dy()) >= 2*side {
		half := image.NewRGBA(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
		draw.ApproxBiLinear.Scale(half, half.Bounds(), src, b, draw.Src, nil)
		src, b = half, half.Bounds()
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, b, draw.Over, nil)
	return turned(dst, turn)
}

// turned is the image as an orientation of EXIF says.
func turned(src *image.RGBA, turn int) *image.RGBA {
	if turn < 2 || turn > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn > 4 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch turn {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			dst.SetRGBA(tx, ty, src.RGBAAt(x, y))
		}
	}
	return dst
}

func encode(img image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}
