mkdir -p ./data
chmod 755 ./data
