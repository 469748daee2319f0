// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxColumn is more than the longest column has, so that a damaged one cannot
// take the memory.
const maxColumn = 4 << 20

// packer compresses columns. It is safe for concurrent use.
type packer struct {
	mu  sync.Mutex
	enc *zstd.Encoder
	dec *zstd.Decoder
	raw []byte
}

func newPacker() (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxColumn))
	if err != nil {
		enc.Close()
		return nil, err
	}
	return &packer{enc: enc, dec: dec}, nil
}

func (p *packer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enc.Close()
	p.dec.Close()
}

func (p *packer) pack(b *block, c column) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = b.encode(p.raw[:0], c)
	return p.enc.EncodeAll(p.raw, nil)
}

func (p *packer) unpack(b *block, c column, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	raw, err := p.dec.DecodeAll(data, p.raw[:0])
	if err != nil {
		return err
	}
	p.raw = raw
	return b.decode(c, raw)
}
