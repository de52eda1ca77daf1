package db

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerUUID teaches a connection the ids that Rowlock uses, and slices of
// them. Left alone, pgx takes every uuid.UUID of an array by way of its text,
// and fails over it once before it does: more than half of what a group of
// bookings allocates.
func registerUUID(m *pgtype.Map) {
	element := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	m.RegisterType(element)
	m.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: uuidArrayCodec{&pgtype.ArrayCodec{ElementType: element}}})
}

// uuidCodec copies the 16 bytes of an id, and leaves all else to pgx.
type uuidCodec struct{ pgtype.UUIDCodec }

func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case uuid.UUID:
			return encodeUUID{}
		case uuid.NullUUID:
			return encodeNullUUID{}
		}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if format == pgtype.BinaryFormatCode {
		switch target.(type) {
		case *uuid.UUID:
			return scanUUID{}
		case *uuid.NullUUID:
			return scanNullUUID{}
		}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type encodeUUID struct{}

func (encodeUUID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.UUID)
	return append(buf, id[:]...), nil
}

type encodeNullUUID struct{}

func (encodeNullUUID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.NullUUID)
	if !id.Valid {
		return nil, nil
	}
	return append(buf, id.UUID[:]...), nil
}

type scanUUID struct{}

func (scanUUID) Scan(src []byte, target any) error {
	if len(src) != 16 {
		return fmt.Errorf("an id of %d bytes", len(src))
	}
	copy(target.(*uuid.UUID)[:], src)
	return nil
}

type scanNullUUID struct{}

func (scanNullUUID) Scan(src []byte, target any) error {
	id := target.(*uuid.NullUUID)
	if src == nil {
		*id = uuid.NullUUID{}
		return nil
	}
	id.Valid = true
	return scanUUID{}.Scan(src, &id.UUID)
}

// uuidArrayCodec writes slices of ids as arrays, element by element into one
// buffer, and leaves all else to pgx.
type uuidArrayCodec struct{ *pgtype.ArrayCodec }

func (c uuidArrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case []uuid.UUID:
			return encodeUUIDs{}
		case []uuid.NullUUID:
			return encodeNullUUIDs{}
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type encodeUUIDs struct{}

func (encodeUUIDs) Encode(value any, buf []byte) ([]byte, error) {
	ids := value.([]uuid.UUID)
	if ids == nil {
		return nil, nil
	}
	buf = appendArrayHeader(slices.Grow(buf, arraySize(len(ids))), len(ids), false)
	for i := range ids {
		buf = appendElement(buf, ids[i])
	}
	return buf, nil
}

type encodeNullUUIDs struct{}

func (encodeNullUUIDs) Encode(value any, buf []byte) ([]byte, error) {
	ids := value.([]uuid.NullUUID)
	if ids == nil {
		return nil, nil
	}
	buf = appendArrayHeader(slices.Grow(buf, arraySize(len(ids))), len(ids), true)
	for i := range ids {
		if ids[i].Valid {
			buf = appendElement(buf, ids[i].UUID)
		} else {
			buf = binary.BigEndian.AppendUint32(buf, math.MaxUint32) // length -1: null
		}
	}
	return buf, nil
}

// arraySize is the most bytes that an array of so many ids takes.
func arraySize(length int) int { return 20 + length*(4+16) }

// appendArrayHeader begins an array of ids as PostgreSQL's array_recv reads
// it: dimensions, whether there are nulls, the elements' type, and of the one
// dimension the length and the number of its first element.
func appendArrayHeader(buf []byte, length int, nulls bool) []byte {
	dimensions, hasNulls := uint32(1), uint32(0)
	if length == 0 {
		dimensions = 0
	}
	if nulls {
		hasNulls = 1
	}
	buf = binary.BigEndian.AppendUint32(buf, dimensions)
	buf = binary.BigEndian.AppendUint32(buf, hasNulls)
	buf = binary.BigEndian.AppendUint32(buf, pgtype.UUIDOID)
	if dimensions == 0 {
		return buf
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(length)) //nolint:gosec // no slice of 64 GiB is sent
	return binary.BigEndian.AppendUint32(buf, 1)
}

func appendElement(buf []byte, id uuid.UUID) []byte {
	return append(binary.BigEndian.AppendUint32(buf, uint32(len(id))), id[:]...)
}
