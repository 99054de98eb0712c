package picture

import (
	"encoding/binary"
	"io"
)

var webpKept = map[string]bool{"VP8 ": true, "VP8L": true, "VP8X": true, "ALPH": true, "ANIM": true, "ANMF": true, "ICCP": true}

// A riffChunk is where a chunk of a WebP begins, with its head of eight bytes, and
// how long it is.
type riffChunk struct {
	name     string
	at, size int64
}

// cleanWebP leaves EXIF and XMP behind, says so in the header, and writes the new
// length before all.
func cleanWebP(w io.Writer, r io.ReadSeeker) error {
	kept, err := webpChunks(r)
	if err != nil {
		return err
	}
	total := int64(4)
	for _, c := range kept {
		total += c.size
	}
	if len(kept) == 0 || total > 1<<31 {
		return ErrBroken
	}
	head := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(total))...)
	if _, err := w.Write(append(head, "WEBP"...)); err != nil {
		return err
	}
	for _, c := range kept {
		if _, err := r.Seek(c.at, io.SeekStart); err != nil {
			return err
		}
		size := c.size
		if c.name == "VP8X" && size >= 9 {
			head := make([]byte, 9)
			if _, err := io.ReadFull(r, head); err != nil {
				return err
			}
			head[8] &^= 0x08 | 0x04 // there is no EXIF and no XMP any more
			if _, err := w.Write(head); err != nil {
				return err
			}
			size -= 9
		}
		if err := copyN(w, r, size); err != nil {
			return err
		}
	}
	return nil
}

func webpChunks(r io.ReadSeeker) (kept []riffChunk, err error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WEBP" {
		return nil, ErrBroken
	}
	end := int64(binary.LittleEndian.Uint32(head[4:])) + 8
	for at := int64(12); at+8 <= end; {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(r, head[:8]); err != nil {
			return nil, err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		c := riffChunk{string(head[:4]), at, 8 + n + n&1}
		if webpKept[c.name] {
			kept = append(kept, c)
		}
		if at += c.size; len(kept) > 10_000 {
			return nil, ErrBroken
		}
	}
	return kept, nil
}
