# What people run by hand. What has to pass before a change lands is .ci/run.

.PHONY: demo test build check

demo:
	go run ./cmd/porchlight demo

test:
	go test ./...

# gin pulls in a MessagePack codec that nobody here speaks, and net/http an HTTP/2: the proxy in front speaks that with
# browsers, and 64 kept connections do to a carrier. The tags leave both out. SQLite is compiled for size: half a
# megabyte less, and a text is stored 2 % slower.
build:
	CGO_CFLAGS='-Os -fno-asynchronous-unwind-tables' go build -tags nomsgpack,nethttpomithttp2 -trimpath -ldflags '-s -w' -o porchlight ./cmd/porchlight

check:
	bash .ci/run
