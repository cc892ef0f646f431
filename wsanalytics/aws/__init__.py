"""Everything that knows boto3. Only ``aws/writer.py`` can alter anything in AWS."""
