package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Markers of JPEG, ITU-T T.81 table B.1.
const (
	mSOI, mEOI, mSOS, mCOM, mTEM = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
	mRST0, mRST7                 = 0xD0, 0xD7
	mAPP0, mAPP1, mAPP2          = 0xE0, 0xE1, 0xE2
	mAPP14, mAPP15, mSOF2        = 0xEE, 0xEF, 0xC2
)

// maxScans is how often a picture may be gone over. Programs do it ten times at most;
// each time takes 40 bytes of the file, and as long as the picture is large.
const maxScans = 100

func alone(m byte) bool { return m == mTEM || m >= mRST0 && m <= mRST7 }

// cleanJPEG keeps the segments that make the picture: tables, frames, scans, the
// colour profile and Adobe's word on colours.
func cleanJPEG(w io.Writer, r io.Reader) error {
	in, out := bufio.NewReaderSize(r, 64<<10), bufio.NewWriterSize(w, 64<<10)
	var soi [2]byte
	if _, err := io.ReadFull(in, soi[:]); err != nil || soi != [2]byte{0xFF, mSOI} {
		return ErrBroken
	}
	out.Write(soi[:])
	scans := 0
	m, err := nextMarker(in)
	for err == nil && m != mEOI {
		switch {
		case m == mSOI:
			return ErrBroken
		case alone(m):
			out.Write([]byte{0xFF, m})
		default:
			if err = copySegment(out, in, m); err != nil {
				return err
			}
		}
		if m == mSOS {
			if scans++; scans > maxScans {
				return ErrBroken
			}
			m, err = copyScan(out, in)
			continue
		}
		m, err = nextMarker(in)
	}
	if err != nil && !(scans > 0 && errors.Is(err, io.EOF)) {
		return err // cut off before there was any picture
	}
	out.Write([]byte{0xFF, mEOI}) // also of one that was cut off: browsers show what there is
	return out.Flush()
}

// nextMarker reads up to the next marker's code. Bytes between segments, which some
// cameras leave, are skipped.
func nextMarker(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		for b == 0xFF {
			if b, err = in.ReadByte(); err != nil {
				return 0, err
			}
			if b != 0 && b != 0xFF {
				return b, nil
			}
		}
	}
}

// segment reads the length of a segment and what it holds.
func segment(in *bufio.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n < 2 {
		return nil, ErrBroken
	}
	body := make([]byte, n-2)
	_, err := io.ReadFull(in, body)
	return body, err
}

func copySegment(out *bufio.Writer, in *bufio.Reader, m byte) error {
	body, err := segment(in)
	if err != nil {
		return err
	}
	if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && m == mAPP1 {
		turn := orientation(tiff)
		if turn == 1 {
			return nil
		}
		body = exifWith(turn)
	} else if !keeps(m, body) {
		return nil
	}
	out.Write([]byte{0xFF, m})
	out.Write(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)))
	_, err = out.Write(body)
	return err
}

// keeps reports whether a segment is part of the picture. Other application data
// holds places, serial numbers, and small copies of the picture with the same.
func keeps(m byte, body []byte) bool {
	switch {
	case m == mAPP0:
		return bytes.HasPrefix(body, []byte("JFIF\x00"))
	case m == mAPP2:
		return bytes.HasPrefix(body, []byte("ICC_PROFILE\x00"))
	case m == mAPP14:
		return bytes.HasPrefix(body, []byte("Adobe"))
	}
	return m != mCOM && (m < mAPP0 || m > mAPP15)
}

// copyScan copies coded data up to the next marker that is not part of it, and
// gives that marker.
func copyScan(out *bufio.Writer, in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		for b == 0xFF {
			next, err := in.ReadByte()
			if err != nil {
				return 0, err
			}
			if next == 0xFF { // filling
				continue
			}
			if next != 0 && !alone(next) {
				return next, nil
			}
			out.WriteByte(b)
			b = next
		}
		if err := out.WriteByte(b); err != nil {
			return 0, err
		}
	}
}

// jpegFacts reads the turn of a JPEG, and whether it is progressive, which takes
// twelve bytes more of memory for each of its pixels.
func jpegFacts(r io.Reader) (turn int, progressive bool) {
	in := bufio.NewReader(r)
	turn = 1
	if b, err := in.Peek(2); err != nil || b[1] != mSOI {
		return turn, false
	}
	in.Discard(2)
	for {
		m, err := nextMarker(in)
		if err != nil || m == mSOS || m == mEOI {
			return turn, progressive
		}
		if alone(m) {
			continue
		}
		body, err := segment(in)
		if err != nil {
			return turn, progressive
		}
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && m == mAPP1 {
			turn = orientation(tiff)
		}
		progressive = progressive || m == mSOF2
	}
}
