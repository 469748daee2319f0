// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A compressed file is a row of zstd frames of frameSize bytes of text each, so
// that one record can be read without all that stand before it. Behind them
// stands a table of the frames' sizes in a skippable frame, as the Zstandard
// Seekable Format of the zstd project has it; other programs read the file as
// any zstd file.
const (
	frameSize       = 128 << 10
	maxFrame        = 16 << 20 // of files of another making
	seekTableMagic  = 0x184D2A5E
	seekFooterMagic = 0x8F92EAB1
	seekFooterSize  = 9
	seekHeaderSize  = 8
	seekEntrySize   = 8
)

var errNoTable = errors.New("the compressed file has no table of its frames")

// writeFrames compresses what r has.
func writeFrames(w io.Writer, r io.Reader) error {
	// On records the fastest level is also the one that makes them smallest: what
	// is left of a line are its hash, its id and its times.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(frameSize), zstd.WithEncoderCRC(true))
	if err != nil {
		return err
	}
	defer enc.Close()
	text := make([]byte, frameSize)
	var frame, table []byte
	for {
		n, err := io.ReadFull(r, text)
		if n > 0 {
			frame = enc.EncodeAll(text[:n], frame[:0])
			if _, err := w.Write(frame); err != nil {
				return err
			}
			table = binary.LittleEndian.AppendUint32(table, uint32(len(frame)))
			table = binary.LittleEndian.AppendUint32(table, uint32(n))
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			_, err := w.Write(seekTable(table))
			return err
		case err != nil:
			return err
		}
	}
}

// seekTable puts the entries into a skippable frame.
func seekTable(entries []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, seekTableMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)+seekFooterSize))
	b = append(b, entries...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)/seekEntrySize))
	b = append(b, 0) // the entries have no checksums: the frames do
	return binary.LittleEndian.AppendUint32(b, seekFooterMagic)
}

// frameAt is one frame: where it begins in the file and in the text.
type frameAt struct {
	file, text int64
	size, long int64 // compressed, and not
}

// readSeekTable reads the table of a file of the given size.
func readSeekTable(f io.ReaderAt, size int64) ([]frameAt, error) {
	footer := make([]byte, seekFooterSize)
	if size < seekHeaderSize+seekFooterSize {
		return nil, errNoTable
	}
	if _, err := f.ReadAt(footer, size-seekFooterSize); err != nil {
		return nil, err
	}
	count := int64(binary.LittleEndian.Uint32(footer))
	length := count*seekEntrySize + seekFooterSize
	if binary.LittleEndian.Uint32(footer[5:]) != seekFooterMagic || footer[4] != 0 || length+seekHeaderSize > size {
		return nil, errNoTable
	}
	table := make([]byte, seekHeaderSize+length)
	if _, err := f.ReadAt(table, size-int64(len(table))); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(table) != seekTableMagic || int64(binary.LittleEndian.Uint32(table[4:])) != length {
		return nil, errNoTable
	}
	frames := make([]frameAt, count)
	at := frameAt{}
	for i := range frames {
		entry := table[seekHeaderSize+i*seekEntrySize:]
		at.size, at.long = int64(binary.LittleEndian.Uint32(entry)), int64(binary.LittleEndian.Uint32(entry[4:]))
		if at.size > maxFrame || at.long > maxFrame {
			return nil, errNoTable
		}
		frames[i] = at
		at.file, at.text = at.file+at.size, at.text+at.long
	}
	if at.file != size-int64(len(table)) {
		return nil, errNoTable
	}
	return frames, nil
}
