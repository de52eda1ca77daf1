package db_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"rowlock/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// Ids come back as they were sent, alone and in arrays, null and not.
func TestUUIDs(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	id := uuid.New()
	some, null := uuid.NullUUID{UUID: id, Valid: true}, uuid.NullUUID{}

	var gotID uuid.UUID
	var gotSome, gotNull uuid.NullUUID
	var gotIDs []uuid.UUID
	var gotNulls []uuid.NullUUID
	var pointer *uuid.UUID
	var text string
	err := tx.QueryRow(t.Context(), `select $1::uuid, $2::uuid, $3::uuid, $4::uuid[], $5::uuid[], $6::uuid, $1::uuid::text`,
		id, some, null, []uuid.UUID{id, uuid.Nil}, []uuid.NullUUID{null, some}, (*uuid.UUID)(nil)).
		Scan(&gotID, &gotSome, &gotNull, &gotIDs, &gotNulls, &pointer, &text)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(gotID, gotSome, gotNull, gotIDs, gotNulls, pointer, text)
	want := fmt.Sprint(id, some, null, []uuid.UUID{id, uuid.Nil}, []uuid.NullUUID{null, some}, (*uuid.UUID)(nil), id.String())
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var id2 uuid.UUID
	if err := tx.QueryRow(t.Context(), `select null::uuid`).Scan(&id2); err == nil {
		t.Error("null became an id")
	}
}
