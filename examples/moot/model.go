// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"fmt"
	"time"
)

// Role is what a user is in one space. Each includes the rights of those
// before it.
type Role int

// The roles. An outsider reads public spaces and reports messages in them; a
// member posts, uploads and changes what is their own; a moderator removes, hides
// and mutes, and adds members; an owner changes the space and its roles.
const (
	Outsider Role = iota
	Member
	Moderator
	Owner
)

var roleNames = [...]string{"outsider", "member", "moderator", "owner"}

// String is the name of the role in the API.
func (r Role) String() string { return roleNames[r] }

// MarshalText gives the name of the role in the API.
func (r Role) MarshalText() ([]byte, error) { return []byte(roleNames[r]), nil }

// UnmarshalText takes what a space's record may hold: member, moderator, owner.
func (r *Role) UnmarshalText(text []byte) error {
	for n, name := range roleNames {
		if n > 0 && name == string(text) {
			*r = Role(n)
			return nil
		}
	}
	return fmt.Errorf("not a role")
}

// User is a known person. Mail and phone are private: no operation shows them.
type User struct {
	ID    string `json:"user"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// Space is a room for messages.
type Space struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Topic      string    `json:"topic"`
	Visibility string    `json:"visibility"` // "public" or "private"
	Created    time.Time `json:"created"`
	Members    int       `json:"members"`
}

// Membership is one user's record in one space.
type Membership struct {
	User       string     `json:"user"`
	Role       Role       `json:"role"`
	Nickname   string     `json:"nickname,omitempty"`
	Joined     time.Time  `json:"joined"`
	MutedUntil *time.Time `json:"muted_until,omitempty"`
	*private              // only with a flaw
}

type private struct {
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// Message is what somebody said. A Message in the store never changes: an edit
// puts another in its place.
type Message struct {
	ID          string     `json:"id"`
	Space       string     `json:"space"`
	Author      string     `json:"author"`
	Text        string     `json:"text"`
	Format      string     `json:"format"` // "plain" or "markdown"
	ReplyTo     string     `json:"reply_to,omitempty"`
	Mentions    []string   `json:"mentions,omitempty"`
	Attachments []string   `json:"attachments,omitempty"`
	Created     time.Time  `json:"created"`
	Edited      *time.Time `json:"edited,omitempty"`
	Hidden      bool       `json:"hidden,omitempty"`

	sequence uint64
	encoded  []byte // the JSON form, made once
}

// Attachment describes an uploaded file.
type Attachment struct {
	ID       string    `json:"id"`
	Space    string    `json:"space"`
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Size     int       `json:"size"` // bytes
	SHA256   string    `json:"sha256"`
	Uploader string    `json:"uploader"`
	Created  time.Time `json:"created"`
}

// Report is a complaint about a message.
type Report struct {
	ID         string    `json:"id"`
	Message    string    `json:"message"`
	Reporter   string    `json:"reporter"`
	Reason     string    `json:"reason"` // "spam", "abuse" or "other"
	Note       string    `json:"note,omitempty"`
	State      string    `json:"state"` // "open" or "resolved"
	Created    time.Time `json:"created"`
	Action     string    `json:"action,omitempty"` // "dismiss", "hide" or "delete"
	ResolvedBy string    `json:"resolved_by,omitempty"`
}
