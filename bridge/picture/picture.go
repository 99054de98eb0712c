// Package picture reads files that strangers send: what they are, by their bytes
// and never by their name; without the place where a photo was taken; and small
// ones of them, as long as that costs no more memory than this machine can spare.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// MaxPixels is the largest picture that is taken: what a phone's best camera makes.
// A file of some kilobytes can claim a thousand times as many.
const MaxPixels = 50_000_000

var (
	// ErrBroken says that a file begins like a picture and does not go on like one.
	ErrBroken = errors.New("the picture cannot be read")
	// ErrTooManyPixels says that a picture has more than MaxPixels.
	ErrTooManyPixels = errors.New("the picture has more than 50 million pixels")
	// ErrNotDecoded says that a file has no small picture: it is none, it is in a
	// format that only some browsers show, or it would take too much memory.
	ErrNotDecoded = errors.New("no small picture is made of it")
)

// A Kind is what was found in a file.
type Kind struct {
	Type        string // extension in lower case without the dot
	ContentType string
}

// Image reports whether the kind is one that Clean, Measure and Open read.
func (k Kind) Image() bool {
	switch k.Type {
	case "jpg", "png", "gif", "webp":
		return true
	}
	return false
}

// kinds are the names that differ from those of the library.
var kinds = map[string]Kind{
	"image/jpeg": {"jpg", "image/jpeg"}, "image/vnd.mozilla.apng": {"png", "image/png"},
	"image/heic": {"heic", "image/heic"}, "image/heif": {"heic", "image/heic"},
	"image/heic-sequence": {"heic", "image/heic"}, "image/heif-sequence": {"heic", "image/heic"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
}

// sniffed is how much of a file is looked at; tables of contents of office files
// begin within the first few kilobytes.
const sniffed = 16 << 10

// Sniff says what a file is by its bytes. The name only tells a table from other
// plain text, which nothing in the bytes does for sure.
func Sniff(r io.ReadSeeker, name string) (Kind, error) {
	head, err := headOf(r)
	if err != nil {
		return Kind{}, err
	}
	m := mimetype.Detect(head)
	for k := m; k != nil; k = k.Parent() { // a docx is a zip too: the finest word first
		media, _, _ := strings.Cut(k.String(), ";")
		if known, ok := kinds[media]; ok {
			return known, nil
		}
		if media == "application/x-ole-storage" {
			return ole(r, head), nil
		}
	}
	media, _, _ := strings.Cut(m.String(), ";")
	switch {
	case m.Is("text/html"), m.Is("image/svg+xml"), m.Is("text/xml"), m.Is("application/xhtml+xml"):
		return Kind{strings.TrimPrefix(m.Extension(), "."), media}, nil
	case m.Is("text/csv"), strings.HasPrefix(media, "text/") && strings.EqualFold(path.Ext(name), ".csv"):
		return Kind{"csv", "text/csv; charset=utf-8"}, nil
	case m.Is("text/plain"):
		return Kind{"txt", "text/plain; charset=utf-8"}, nil
	case m.Extension() == "":
		return Kind{"bin", "application/octet-stream"}, nil
	}
	return Kind{strings.TrimPrefix(m.Extension(), "."), media}, nil
}

func headOf(r io.ReadSeeker) ([]byte, error) {
	head := make([]byte, sniffed)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

// ole tells apart what older office programs wrote, by the first names in the
// file's directory, which may stand anywhere in it ([MS-CFB] 2.6.1).
func ole(r io.ReadSeeker, head []byte) Kind {
	other := Kind{"ole", "application/x-ole-storage"}
	if len(head) < 512 {
		return other
	}
	sector := int64(1) << min(binary.LittleEndian.Uint16(head[30:]), 12)
	first := int64(binary.LittleEndian.Uint32(head[48:]))
	if _, err := r.Seek((first+1)*sector, io.SeekStart); err != nil {
		return other
	}
	dir := make([]byte, 4096)
	n, _ := io.ReadFull(r, dir) // a short one is a short directory
	for e := 0; e+128 <= n; e += 128 {
		switch utf16ASCII(dir[e : e+64]) {
		case "WordDocument":
			return Kind{"doc", "application/msword"}
		case "Workbook", "Book":
			return Kind{"xls", "application/vnd.ms-excel"}
		case "PowerPoint Document":
			return Kind{"ppt", "application/vnd.ms-powerpoint"}
		}
	}
	return other
}

func utf16ASCII(b []byte) string {
	var s strings.Builder
	for i := 0; i+1 < len(b) && b[i] != 0; i += 2 {
		s.WriteByte(b[i])
	}
	return s.String()
}

// Cleans reports whether Clean knows how to take the metadata out of a type.
func Cleans(typ string) bool { return typ == "heic" || Kind{Type: typ}.Image() }

// Clean copies a picture without what says where, when and with what it was taken.
// The picture itself is copied byte for byte; of a JPEG the turn stays, which
// phones write and browsers obey. What follows the end of the picture, such as a
// phone's little film, does not come along.
func Clean(w io.Writer, r io.ReadSeeker, typ string) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var err error
	switch typ {
	case "jpg":
		err = cleanJPEG(w, r)
	case "png":
		err = cleanPNG(w, r)
	case "gif":
		err = cleanGIF(w, r)
	case "webp":
		err = cleanWebP(w, r)
	case "heic":
		err = cleanHEIC(w, r)
	default:
		return fmt.Errorf("clean %q: %w", typ, ErrNotDecoded)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrBroken
	}
	return err
}

// copyN copies exactly n bytes; fewer are io.ErrUnexpectedEOF.
func copyN(w io.Writer, r io.Reader, n int64) error {
	_, err := io.CopyN(w, r, n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// orientation reads the turn out of a TIFF header with its first directory, as it
// stands in EXIF: 1 to 8, and 1 where it says nothing that can be understood.
func orientation(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II*\x00")) {
		order = binary.LittleEndian
	} else if !bytes.HasPrefix(tiff, []byte("MM\x00*")) {
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	n := int64(order.Uint16(tiff[at:]))
	for e := at + 2; n > 0 && e+12 <= int64(len(tiff)); e, n = e+12, n-1 {
		if order.Uint16(tiff[e:]) == 0x0112 && order.Uint16(tiff[e+2:]) == 3 {
			if turn := int(order.Uint16(tiff[e+8:])); turn >= 1 && turn <= 8 {
				return turn
			}
		}
	}
	return 1
}

// exifWith is the smallest EXIF that says a turn and nothing else.
func exifWith(turn int) []byte {
	return append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), byte(turn), 0, 0, 0, 0, 0, 0)
}
