# What people run by hand. What has to pass before a change lands is .ci/run.

.PHONY: demo test build check

demo:
	go run ./cmd/porchlight demo

test:
	go test ./...

# gin pulls in a MessagePack codec that nobody here speaks; the tag leaves it out.
build:
	go build -tags nomsgpack -trimpath -ldflags '-s -w' -o porchlight ./cmd/porchlight

check:
	bash .ci/run
