package picture

import (
	"bufio"
	"bytes"
	"io"
)

// cleanGIF keeps the frames, their timing and how often they repeat; comments and
// what programs left for themselves (XMP among it) stay behind.
func cleanGIF(w io.Writer, r io.Reader) error {
	in, out := bufio.NewReaderSize(r, 64<<10), bufio.NewWriterSize(w, 64<<10)
	head := make([]byte, 13)
	if _, err := io.ReadFull(in, head); err != nil || !bytes.HasPrefix(head, []byte("GIF8")) {
		return ErrBroken
	}
	out.Write(head)
	if err := copyN(out, in, colours(head[10])); err != nil {
		return err
	}
	for {
		b, err := in.ReadByte()
		if err != nil {
			return err
		}
		switch b {
		case 0x3B: // the end
			out.WriteByte(b)
			return out.Flush()
		case 0x2C:
			err = copyFrame(out, in)
		case 0x21:
			err = copyExtension(out, in)
		default:
			return ErrBroken
		}
		if err != nil {
			return err
		}
	}
}

// colours is the length of the table that flags announce.
func colours(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func copyFrame(out *bufio.Writer, in *bufio.Reader) error {
	head := make([]byte, 9)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	out.WriteByte(0x2C)
	out.Write(head)
	if err := copyN(out, in, colours(head[8])+1); err != nil { // and the first code's size
		return err
	}
	return copyBlocks(out, in)
}

func copyExtension(out *bufio.Writer, in *bufio.Reader) error {
	label, err := in.ReadByte()
	if err != nil {
		return err
	}
	keep := label == 0xF9 || label == 0x01 // timing, and text that is part of the picture
	if label == 0xFF {
		name, err := in.Peek(12)
		if err != nil {
			return err
		}
		keep = string(name) == "\x0bNETSCAPE2.0" || string(name) == "\x0bANIMEXTS1.0"
	}
	if !keep {
		return copyBlocks(bufio.NewWriter(io.Discard), in)
	}
	out.Write([]byte{0x21, label})
	return copyBlocks(out, in)
}

// copyBlocks copies blocks of up to 255 bytes until an empty one.
func copyBlocks(out *bufio.Writer, in *bufio.Reader) error {
	for {
		n, err := in.ReadByte()
		if err != nil {
			return err
		}
		out.WriteByte(n)
		if n == 0 {
			return nil
		}
		if err := copyN(out, in, int64(n)); err != nil {
			return err
		}
	}
}
