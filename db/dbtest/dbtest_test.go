package dbtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/db/dbtest"
)

const addSetting = `insert into settings (name, value) values ('color', 'green')`

// TestMain runs the tests as every package does, except in the process of
// [TestAPackageWithoutMainIsToldWhatToAdd].
func TestMain(m *testing.M) {
	if os.Getenv("DBTEST_FORGET_MAIN") != "" {
		os.Exit(m.Run())
	}
	dbtest.Main(m)
}

func TestTheDatabaseIsMigrated(t *testing.T) {
	t.Parallel()
	for name, conn := range map[string]db.Conn{"Tx": dbtest.Tx(t), "Pool": dbtest.Pool(t)} {
		migrated, err := db.IsMigrated(t.Context(), conn)
		if err != nil || !migrated {
			t.Errorf("%s: migrated %v, %v", name, migrated, err)
		}
	}
}

func TestAnEmptyDatabaseIsEmpty(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), dbtest.EmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test is over
	var tables int
	err = conn.QueryRow(t.Context(), `select count(*) from pg_tables where schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

func TestTransactionsDoNotSeeEachOther(t *testing.T) {
	for range 2 {
		t.Run("the same row again", func(t *testing.T) {
			tx := dbtest.Tx(t)
			if _, err := tx.Exec(t.Context(), addSetting); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDatabasesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		pool := dbtest.Pool(t)
		all.Go(func() {
			if _, err := pool.Exec(t.Context(), addSetting); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestADatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("borrow", func(t *testing.T) { url = dbtest.URL(t) })
	conn, err := pgx.Connect(t.Context(), url)
	if err == nil {
		conn.Close(t.Context()) //nolint:errcheck // it should not be there
		t.Error("the database is still there")
	}
}

func TestAPackageWithoutMainIsToldWhatToAdd(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestTheDatabaseIsMigrated$")
	cmd.Env = append(os.Environ(), "DBTEST_FORGET_MAIN=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "dbtest.Main(m)") {
		t.Errorf("it said %s (%v)", out, err)
	}
}
