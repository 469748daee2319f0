// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sort"
)

// The bounds of everything that callers can make grow.
const (
	maxSpaces      = 256
	maxMembers     = 512     // in a space
	maxMessages    = 10_000  // in a space, which keeps its newest
	maxAttachments = 64      // in a space
	maxFile        = 256_000 // bytes
	maxFiles       = 32_000_000
	maxReports     = 500 // in a space
	maxStreams     = 1024
	maxJSON        = 64 << 10
	hideAt         = 3 // open reports about a message that hide it
)

// room is a space with all that it holds. The API's lock guards it.
type room struct {
	Space
	members     map[string]*Membership
	messages    map[string]*Message
	order       []*Message // oldest first
	attachments map[string]*Attachment
	reports     []*Report
}

func newRoom(s Space) *room {
	return &room{
		Space: s, members: make(map[string]*Membership),
		messages: make(map[string]*Message), attachments: make(map[string]*Attachment),
	}
}

// show is the space as the API gives it out.
func (s *room) show() Space {
	v := s.Space
	v.Members = len(s.members)
	return v
}

// owners counts those who could still run the space.
func (s *room) owners() int {
	n := 0
	for _, m := range s.members {
		if m.Role == Owner {
			n++
		}
	}
	return n
}

// seen finds a message that somebody of this role may see.
func (s *room) seen(id string, role Role) (*Message, error) {
	m, ok := s.messages[id]
	if !ok || (m.Hidden && role < Moderator) {
		return nil, notFound
	}
	return m, nil
}

// add gives a message its identifier and puts it at the end; a full space lets
// go of its oldest message.
func (a *API) add(s *room, m *Message) {
	a.sequence++
	m.ID, m.sequence = fmt.Sprintf("m-%06d", a.sequence), a.sequence
	if len(s.order) == maxMessages {
		delete(s.messages, s.order[0].ID)
		s.order[0] = nil // so that it can be collected
		s.order = s.order[1:]
	}
	s.order = append(s.order, nil)
	s.put(len(s.order)-1, m)
}

func (s *room) put(at int, m *Message) {
	var err error
	if m.encoded, err = json.Marshal(m); err != nil {
		panic(fmt.Sprintf("moot: own message does not marshal: %v", err))
	}
	s.order[at], s.messages[m.ID] = m, m
}

// change replaces a message by an altered copy, and gives the copy.
func (s *room) change(m *Message, alter func(*Message)) *Message {
	c := *m
	alter(&c)
	s.put(s.position(m.sequence), &c)
	return &c
}

func (s *room) remove(m *Message) {
	at := s.position(m.sequence)
	s.order = slices.Delete(s.order, at, at+1)
	delete(s.messages, m.ID)
}

// position is the place of the first message that is not before a sequence number.
func (s *room) position(sequence uint64) int {
	return sort.Search(len(s.order), func(i int) bool { return s.order[i].sequence >= sequence })
}

// number makes the next identifier of a kind.
func (a *API) number(kind string) string {
	a.numbers[kind]++
	return fmt.Sprintf("%s-%06d", kind, a.numbers[kind])
}

// fileKey is the place of an attachment's content.
func fileKey(space, name string) string { return path.Join("/", space, name) }

// keep stores an attachment and its content.
func (a *API) keep(s *room, f *Attachment, content []byte) {
	sum := sha256.Sum256(content)
	f.ID, f.Size, f.SHA256 = a.number("a"), len(content), hex.EncodeToString(sum[:])
	key := fileKey(s.ID, f.Name)
	a.size += len(content) - len(a.files[key])
	a.files[key] = content
	s.attachments[f.ID] = f
}

// discard removes an attachment and its content.
func (a *API) discard(s *room, f *Attachment) {
	key := fileKey(s.ID, f.Name)
	a.size -= len(a.files[key])
	delete(a.files, key)
	delete(s.attachments, f.ID)
}
