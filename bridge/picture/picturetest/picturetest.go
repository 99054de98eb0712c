// Package picturetest makes files as phones and strangers send them: photos with the
// place where they were taken, pictures that claim to be huge, and pages in disguise.
package picturetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
)

// Place is a text that stands in the metadata of each file here, where a camera
// writes where the photo was taken. No file that others see may have it.
const Place = "37.7749N 122.4194W"

// Image is a picture that cannot be packed well: red at the top left, else noise.
func Image(w, h int) *image.RGBA {
	img, random := image.NewRGBA(image.Rect(0, 0, w, h)), rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(random.IntN(256)), uint8(random.IntN(256)), uint8(random.IntN(256)), 255})
		}
	}
	for y := range max(h/4, 1) {
		for x := range max(w/4, 1) {
			img.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
		}
	}
	return img
}

// Plain is a picture of one colour, small in bytes.
func Plain(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 200
	}
	return img
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// tiff is EXIF that says a turn and the place.
func tiff(turn int) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00\x02\x00")
	b = append(b, 0x12, 0x01, 3, 0, 1, 0, 0, 0, byte(turn), 0, 0, 0)
	b = append(b, 0x0F, 0x01, 2, 0, byte(len(Place)), 0, 0, 0, 38, 0, 0, 0)
	return append(append(b, 0, 0, 0, 0), Place...)
}

func xmp() []byte {
	return []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>" + Place + "</x:xmpmeta>")
}

func segment(m byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, m}, uint16(len(body)+2)), body...)
}

// JPEG is a photo as a phone takes it: turned, with EXIF, XMP, IPTC, a comment, and
// another picture with the same behind its end.
func JPEG(img image.Image, turn int) []byte {
	var b bytes.Buffer
	must(jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}))
	plain := b.Bytes()
	out := append([]byte{}, plain[:2]...)
	out = append(out, segment(0xE0, []byte("JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"))...)
	out = append(out, segment(0xE1, append([]byte("Exif\x00\x00"), tiff(turn)...))...)
	out = append(out, segment(0xE1, xmp())...)
	out = append(out, segment(0xED, []byte("Photoshop 3.0\x00"+Place))...)
	out = append(out, segment(0xFE, []byte(Place))...)
	out = append(out, plain[2:]...)
	return append(out, out...)
}

// PNG has texts, EXIF and something behind its end.
func PNG(img image.Image) []byte {
	var b bytes.Buffer
	must(png.Encode(&b, img))
	plain := b.Bytes()
	const afterIHDR = 8 + 25
	out := append([]byte{}, plain[:afterIHDR]...)
	for name, text := range map[string]string{"tEXt": "Comment\x00" + Place, "iTXt": "XML:com.adobe.xmp\x00\x00\x00\x00\x00" + Place, "zTXt": "x\x00\x00" + Place, "eXIf": string(tiff(1)), "prIv": Place} {
		out = append(out, pngChunk(name, []byte(text))...)
	}
	return append(append(out, plain[afterIHDR:]...), Place...)
}

func pngChunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// Bomb is a PNG of some bytes that claims to have w × h pixels.
func Bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 8, 6, 0, 0, 0))...)
	return append(append(out, pngChunk("IDAT", []byte{0x78, 0x9c, 0x03, 0, 0, 0, 0, 1})...), pngChunk("IEND", nil)...)
}

// GIF has two frames, a comment and XMP.
func GIF(w, h int) []byte {
	frame := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.RGBA{255, 0, 0, 255}})
	var b bytes.Buffer
	must(gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{5, 5}, LoopCount: 0}))
	plain := b.Bytes()
	out := append([]byte{}, plain[:len(plain)-1]...)
	out = append(out, 0x21, 0xFE, byte(len(Place)))
	out = append(append(out, Place...), 0)
	out = append(out, 0x21, 0xFF, 11)
	out = append(append(out, "XMP DataXMP"...), byte(len(Place)))
	out = append(append(out, Place...), 0)
	return append(out, 0x3B)
}

// WebP is one pixel with EXIF and XMP.
func WebP() []byte {
	plain, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	must(err)
	chunk := func(name string, body []byte) []byte {
		out := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body))), body...)
		if len(body)%2 == 1 {
			out = append(out, 0)
		}
		return out
	}
	body := append([]byte("WEBP"), chunk("VP8X", []byte{0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 0})...)
	body = append(body, plain[12:]...)
	body = append(body, chunk("EXIF", tiff(6))...)
	body = append(body, chunk("XMP ", []byte(Place+"!"))...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func box(name string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
}

// HEIC is what an iPhone's photo looks like to a reader of boxes: a picture and
// EXIF in the file's data, XMP in the table's own, and a maker's box. The picture
// is the text "pixels".
func HEIC() []byte {
	infe := func(id byte, kind, rest string) []byte {
		return box("infe", []byte{2, 0, 0, 0, 0, id, 0, 0}, []byte(kind+"\x00"+rest))
	}
	info := box("iinf", []byte{0, 0, 0, 0, 0, 3}, infe(1, "hvc1", ""), infe(2, "Exif", ""), infe(3, "mime", "application/rdf+xml\x00"))
	exif := append([]byte{0, 0, 0, 0}, tiff(6)...)
	const pixels = "pixels"
	iloc := func(at uint32) []byte {
		item := func(id, method byte, at, n uint32) []byte {
			b := []byte{0, id, 0, method, 0, 0, 0, 1}
			return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, at), n)
		}
		return box("iloc", []byte{1, 0, 0, 0, 0x44, 0x00, 0, 3},
			item(1, 0, at, uint32(len(pixels))), item(2, 0, at+uint32(len(pixels)), uint32(len(exif))), item(3, 1, 0, uint32(len(Place))))
	}
	build := func(at uint32) []byte {
		meta := box("meta", make([]byte, 4), box("hdlr", []byte("\x00\x00\x00\x00\x00\x00\x00\x00pict")), info, iloc(at), box("idat", []byte(Place)))
		return bytes.Join([][]byte{box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), meta, box("uuid", []byte("0123456789abcdef"+Place)), box("mdat", []byte(pixels), exif)}, nil)
	}
	first := build(0)
	return build(uint32(len(first) - len(pixels) - len(exif)))
}

// Page is HTML, whatever its name says.
func Page() []byte { return []byte("<!DOCTYPE html><html><script>alert(1)</script></html>") }

// PDF is an empty document.
func PDF() []byte {
	return []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
}

// OLE is a document of older office programs, by the name of what is inside:
// WordDocument or Workbook.
func OLE(inside string) []byte {
	b := make([]byte, 512*3)
	copy(b, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	binary.LittleEndian.PutUint16(b[30:], 9)
	binary.LittleEndian.PutUint32(b[48:], 1)
	for i, name := range []string{"Root Entry", inside} {
		for j := range len(name) {
			b[1024+128*i+2*j] = name[j]
		}
	}
	return b
}
