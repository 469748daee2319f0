// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

// Bounds of a batch. The last line may go beyond the bytes.
const (
	maxBatchRecords = 500
	maxBatchBytes   = 512 << 10
)

// batch is what is sent at once.
type batch struct {
	first, last uint64
	lines       [][]byte // without newlines; they lie in text
	text        []byte
}

func (b *batch) full() bool { return len(b.lines) >= maxBatchRecords || len(b.text) >= maxBatchBytes }

func (b *batch) add(sequence uint64, line []byte) {
	if len(b.lines) == 0 {
		b.first = sequence
	}
	b.last = sequence
	from := len(b.text)
	b.text = append(b.text, line...)
	b.lines = append(b.lines, b.text[from:len(b.text):len(b.text)])
}

func (b *batch) reset() {
	b.lines, b.text = b.lines[:0], b.text[:0]
	if cap(b.text) > 2*maxBatchBytes {
		b.text = nil
	}
}
